// SPDX-License-Identifier: Apache-2.0
// Writes provider.json: what the AWS provider of Terraform knows of the resources that deploy/terraform has. Its source is
// npm's @cdktf/provider-aws, whose declarations are made from the provider's schema and name each argument as Terraform
// does in a link to its documentation:
//
//     npm pack @cdktf/provider-aws@21.22.1
//     node provider_schema.mjs cdktf-provider-aws-21.22.1.tgz aws_sqs_queue data.aws_region … >terraform/provider.json
import { execFileSync } from "node:child_process";

const [archive, ...names] = process.argv.slice(2);
const folder = (name) =>
  name
    .replace(/^data\.aws/, "data_aws")
    .replace(/^aws_/, "")
    .replaceAll("_", "-");
const declarations = (name) =>
  execFileSync("tar", ["-xzOf", archive, `package/lib/${folder(name)}/index.d.ts`], { encoding: "utf8" });
const snake = (name) => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();

// The members of an interface: documentation link, name, optional or not, type.
function members(text, interfaceName) {
  const start = text.search(new RegExp(`export interface ${interfaceName}\\b`));
  if (start < 0) throw new Error(`no interface ${interfaceName}`);
  const body = text.slice(start, text.indexOf("\n}", start));
  const found = body.matchAll(
    /docs\/(?:resources|data-sources)\/\w+#(\w+) [^\n]*\n(?:[^\n]*\n)*?\s*readonly \w+(\??): ((?:\{[^}]*\}|[^;])+);/g,
  );
  return [...found].map(([, name, optional, type]) => ({
    name,
    required: optional === "",
    type: type.replaceAll(/ \| cdktf\.IResolvable/g, "").replace(/\s+/g, " "),
  }));
}

const simple = {
  string: "string",
  number: "number",
  boolean: "bool",
  "string[]": "list(string)",
  "number[]": "list(number)",
  "{ [key: string]: string; }": "map(string)",
};

function describe(text, interfaceName) {
  const schema = { arguments: {}, blocks: {} };
  for (const { name, required, type } of members(text, interfaceName)) {
    if (simple[type]) schema.arguments[name] = required ? { type: simple[type], required } : { type: simple[type] };
    else {
      const nested = type.replace(/\[\]$/, "");
      if (!/^[A-Z]\w+$/.test(nested)) throw new Error(`${interfaceName}.${name}: what is ${type}?`);
      schema.blocks[name] = { many: nested !== type, required, ...describe(text, nested) };
    }
  }
  return schema;
}

const resources = {};
let provider;
for (const name of names) {
  const text = declarations(name);
  provider = text.match(/hashicorp\/aws\/([\d.]+)\//)[1];
  const [, config] = text.match(/export interface (\w+Config) extends cdktf\.TerraformMetaArguments/);
  const type = text.match(/tfResourceType = "(\w+)"/)[1];
  const schema = describe(text, config);
  const getters = text.slice(text.search(/export declare class \w+ extends cdktf\.Terraform(Resource|DataSource)/));
  schema.computed = [...getters.matchAll(/\n {4}get (\w+)\(\)/g)]
    .map(([, getter]) => snake(getter))
    .filter((getter) => !getter.endsWith("_input") && !schema.arguments[getter] && !schema.blocks[getter]);
  resources[name.startsWith("data.") ? `data.${type}` : type] = schema;
}
console.log(JSON.stringify({ provider, resources }, null, 1));
