// SPDX-License-Identifier: Apache-2.0
// What is wrong with an IAM policy: its grammar, actions and condition keys that AWS does not have, and more than is
// needed. The actions are those that AWS's service authorization reference lists, of the services that are used here.
const actions = {
  sns: "Publish GetTopicAttributes ListSubscriptionsByTopic GetSubscriptionAttributes SetTopicAttributes Subscribe Unsubscribe CreateTopic DeleteTopic ConfirmSubscription",
  sqs: "SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility GetQueueAttributes GetQueueUrl SetQueueAttributes CreateQueue DeleteQueue PurgeQueue ListQueues ListDeadLetterSourceQueues StartMessageMoveTask ListMessageMoveTasks CancelMessageMoveTask",
  kms: "* Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext DescribeKey CreateGrant",
  logs: "CreateLogGroup CreateLogStream PutLogEvents",
  sts: "AssumeRole AssumeRoleWithWebIdentity TagSession GetCallerIdentity",
};
// Without a resource of their own: IAM grants them for "*" or not at all.
const withoutResource = new Set(["sns:GetSubscriptionAttributes", "sns:Unsubscribe"]);
const operators = new Set(["StringEquals", "ArnEquals", "ArnLike"]);
const conditionKey =
  /^(aws:SourceArn|aws:SourceAccount|aws:RequestTag\/(eks-cluster-name|kubernetes-namespace|kubernetes-service-account)|kms:ViaService|oidc\.eks\.[a-z0-9-]+\.amazonaws\.com\/id\/[A-Z0-9]+:(sub|aud))$/;
const elements = new Set(["Sid", "Effect", "Principal", "Action", "Resource", "Condition"]);
const services = new Set(["sns.amazonaws.com", "lambda.amazonaws.com", "pods.eks.amazonaws.com"]);

export const list = (value) => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

function statementProblems(statement, kind) {
  const problems = [];
  const wrong = (text) => problems.push(`${text}: ${JSON.stringify(statement)}`);
  for (const name of Object.keys(statement)) if (!elements.has(name)) wrong(`no element ${name}`);
  if (statement.Effect !== "Allow") wrong("only Allow is expected");
  if ((kind === "identity") === "Principal" in statement) wrong("Principal is for policies of resources and of trust");
  if ((kind === "trust") === "Resource" in statement) wrong("Resource is for all policies but trust");
  for (const action of list(statement.Action)) {
    const [service, name] = action.split(":");
    if (!(actions[service] ?? "").split(" ").includes(name)) wrong(`there is no action ${action}`);
    const everything = list(statement.Resource).includes("*");
    if (kind === "identity" && everything !== withoutResource.has(action)) wrong(`wrong resources for ${action}`);
  }
  if (list(statement.Action).length === 0) wrong("no Action");
  for (const resource of list(statement.Resource))
    if (resource !== "*" && !/^arn:aws:[a-z]+:[a-z0-9-]*:\d{12}:[^*?\s]+(:\*)?$/.test(resource))
      wrong(`no resource ${resource}`);
  for (const service of list(statement.Principal?.Service)) if (!services.has(service)) wrong(`no service ${service}`);
  if (statement.Principal === "*" || list(statement.Principal?.AWS).includes("*")) wrong("everybody");
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    if (!operators.has(operator)) wrong(`no operator ${operator}`);
    for (const key of Object.keys(keys)) if (!conditionKey.test(key)) wrong(`no condition key ${key}`);
  }
  return problems;
}

// kind: "identity", "resource" or "trust".
export function policyProblems(text, kind) {
  let policy;
  try {
    policy = typeof text === "string" ? JSON.parse(text) : text;
  } catch (error) {
    return [`no JSON: ${error.message}`];
  }
  if (policy.Version !== "2012-10-17" || list(policy.Statement).length === 0)
    return ["no policy with Version and Statement"];
  return list(policy.Statement).flatMap((statement) => statementProblems(statement, kind));
}

export const allowed = (text) =>
  list((typeof text === "string" ? JSON.parse(text) : text).Statement)
    .flatMap(({ Action }) => list(Action))
    .sort();
