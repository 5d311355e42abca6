// SPDX-License-Identifier: Apache-2.0
// CloudFormation templates: read, held against the specification of resources that AWS publishes, and resolved.
import { readFileSync } from "node:fs";
import { loadAwsServiceSpec } from "@aws-cdk/aws-service-spec";
import { parseDocument } from "yaml";

// YAML's short forms, and what they stand for.
const short = (name) => [
  { tag: `!${name}`, resolve: (text) => long(name, text) },
  { tag: `!${name}`, collection: "seq", resolve: (sequence) => long(name, sequence.toJSON()) },
];
function long(name, value) {
  if (name === "Ref") return { Ref: value };
  return { [`Fn::${name}`]: name === "GetAtt" && typeof value === "string" ? value.split(/\.(.*)/s, 2) : value };
}
const customTags = ["Ref", "GetAtt", "Sub", "Join"].flatMap(short);

export function readTemplate(file) {
  const document = parseDocument(readFileSync(file, "utf8"), { customTags, uniqueKeys: true });
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) throw new Error(`${file}: ${wrong[0].message}`);
  return document.toJS();
}

const intrinsic = (value) =>
  value !== null &&
  typeof value === "object" &&
  Object.keys(value).length === 1 &&
  /^(Ref|Fn::\w+)$/.test(Object.keys(value)[0]);
const attributesOf = { "AWS::SQS::Queue": ["Arn", "QueueName", "QueueUrl"] };
const pseudo = ["AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName", "AWS::URLSuffix", "AWS::NoValue"];

// problems(TEMPLATE) is what CloudFormation would refuse.
export async function problems(template) {
  const db = await loadAwsServiceSpec();
  const found = [];
  const specification = (type) => {
    const [resource] = db.lookup("resource", "cloudFormationType", "equals", type);
    return resource;
  };

  function checkType(value, type, path) {
    if (intrinsic(value)) return;
    const is = typeof value;
    const refuse = () => found.push(`${path}: ${JSON.stringify(value)} is no ${type.type}`);
    switch (type.type) {
      case "string":
        if (is !== "string") refuse();
        else if (type.allowedValues && !type.allowedValues.includes(value))
          found.push(`${path}: ${value} is none of ${type.allowedValues}`);
        return;
      case "integer":
        return Number.isInteger(value) || refuse();
      case "number":
        return is === "number" || refuse();
      case "boolean":
        return is === "boolean" || refuse();
      case "array":
        return Array.isArray(value)
          ? value.forEach((one, index) => checkType(one, type.element, `${path}[${index}]`))
          : refuse();
      case "map":
        return is === "object"
          ? Object.entries(value).forEach(([key, one]) => checkType(one, type.element, `${path}.${key}`))
          : refuse();
      case "ref":
        if (is !== "object") return refuse();
        return checkProperties(value, db.get("typeDefinition", type.reference.$ref).properties, path);
      case "union": {
        const before = found.length;
        for (const one of type.types) {
          checkType(value, one, path);
          if (found.length === before) return;
          found.length = before;
        }
        return refuse();
      }
      case "json":
        return is === "object" || refuse();
    }
  }
  function checkProperties(properties, specified, path) {
    for (const [name, value] of Object.entries(properties)) {
      if (!specified[name]) found.push(`${path} has no property ${name}`);
      else checkType(value, specified[name].type, `${path}.${name}`);
    }
    for (const [name, { required }] of Object.entries(specified))
      if (required && !(name in properties)) found.push(`${path} lacks the property ${name}`);
  }

  const { Parameters: parameters = {}, Resources: resources = {}, Outputs: outputs = {} } = template;
  const used = new Set();
  function checkReference(name, attribute, path) {
    used.add(name);
    if (pseudo.includes(name) && !attribute) return;
    if (parameters[name] && !attribute) return;
    if (!resources[name]) return found.push(`${path}: there is no ${name}`);
    const type = resources[name].Type;
    const known = attributesOf[type] ?? Object.keys(specification(type)?.attributes ?? {});
    if (attribute && !known.includes(attribute)) found.push(`${path}: ${type} has no attribute ${attribute}`);
  }
  function checkReferences(value, path) {
    if (value === null || typeof value !== "object") return;
    if (!intrinsic(value)) return Object.entries(value).forEach(([key, one]) => checkReferences(one, `${path}.${key}`));
    const [[name, argument]] = Object.entries(value);
    if (name === "Ref") checkReference(argument, undefined, path);
    else if (name === "Fn::GetAtt") checkReference(argument[0], argument[1], path);
    else if (name === "Fn::Sub")
      for (const [, whole] of String(argument).matchAll(/\$\{([^}!]+)\}/g))
        checkReference(
          ...(pseudo.includes(whole) ? [whole, undefined] : [...whole.split("."), undefined].slice(0, 2)),
          path,
        );
    else if (name === "Fn::Join") checkReferences(argument[1], path);
    else found.push(`${path}: ${name} is not looked into`);
  }

  for (const key of Object.keys(template))
    if (!["AWSTemplateFormatVersion", "Description", "Parameters", "Resources", "Outputs"].includes(key))
      found.push(`no section ${key}`);
  for (const [name, { Type: type, Properties: properties = {}, DependsOn: first = [], ...others }] of Object.entries(
    resources,
  )) {
    const known = specification(type);
    if (!known) found.push(`${name}: there is no type ${type}`);
    else checkProperties(properties, known.properties, name);
    for (const key of Object.keys(others))
      if (!["DeletionPolicy", "UpdateReplacePolicy"].includes(key)) found.push(`${name} has no element ${key}`);
    for (const other of [first].flat()) if (!resources[other]) found.push(`${name}: there is no ${other} to depend on`);
    checkReferences(properties, name);
  }
  checkReferences(outputs, "Outputs");
  for (const name of Object.keys(parameters)) if (!used.has(name)) found.push(`parameter ${name} is used by nobody`);
  return found;
}

// resolve(TEMPLATE, PARAMETERS) replaces references by what they would be in account 000000000000, region us-east-1, stack
// "stack"; returns the resources.
export function resolve({ Parameters: parameters = {}, Resources: resources }, given) {
  const arns = {
    "AWS::SQS::Queue": (name) => `arn:aws:sqs:us-east-1:000000000000:${name}`,
    "AWS::IAM::Role": (name) => `arn:aws:iam::000000000000:role/${name}`,
    "AWS::Lambda::Function": (name) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
  };
  const values = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
  };
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = given[name] ?? parameter.Default;
    if (value === undefined) throw new Error(`parameter ${name} is not given`);
    // As Java has it, in which no dot stands for the end of a line.
    if (parameter.AllowedPattern && !new RegExp(`^(?:${parameter.AllowedPattern})$`).test(value))
      throw new Error(`parameter ${name}: ${value} does not match ${parameter.AllowedPattern}`);
    values[name] = value;
  }
  const nameOf = (logical) => {
    const properties = resources[logical].Properties ?? {};
    return replace(properties.QueueName ?? properties.FunctionName ?? `stack-${logical}`);
  };
  const attribute = (logical, name) =>
    name === "Arn" ? arns[resources[logical].Type](nameOf(logical)) : nameOf(logical);
  const reference = (logical) => {
    if (logical in values) return values[logical];
    const name = nameOf(logical);
    return resources[logical].Type === "AWS::SQS::Queue"
      ? `https://sqs.us-east-1.amazonaws.com/000000000000/${name}`
      : name;
  };
  function replace(value) {
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map(replace);
    if (!intrinsic(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replace(one)]));
    const [[name, argument]] = Object.entries(value);
    if (name === "Ref") return reference(argument);
    if (name === "Fn::GetAtt") return attribute(...argument);
    if (name === "Fn::Join") return replace(argument[1]).join(argument[0]);
    return argument.replace(/\$\{([^}]+)\}/g, (_, whole) =>
      whole in values || !whole.includes(".") ? reference(whole) : attribute(...whole.split(".")),
    );
  }
  return Object.fromEntries(
    Object.entries(resources).map(([name, resource]) => [
      name,
      { type: resource.Type, properties: replace(resource.Properties ?? {}) },
    ]),
  );
}
