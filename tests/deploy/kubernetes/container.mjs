// SPDX-License-Identifier: Apache-2.0
// node container.mjs FILE KIND NAME [--container NAME] [--secret NAME/KEY=VALUE]... [--replace FROM=TO]... [--set NAME=VALUE]...
// prints what Kubernetes starts a container (the first) of that object in FILE with, as records that end with a zero byte:
// "arg ...", "env NAME=VALUE", "probes JSON", "grace SECONDS". Variables come from ConfigMaps and Secrets in the file, or
// from --secret, which goes before them; --replace puts another address in the place of one, --set adds what AWS's web hook
// or the test adds.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { containers, isOurs } from './pods.mjs';
import { podOf } from './together.mjs';

const many = { type: 'string', multiple: true, default: [] };
const { values, positionals: [file, kind, name] } = parseArgs({ options: { container: { type: 'string' }, secret: many, replace: many, set: many }, allowPositionals: true });
const split = (text, by) => [text.slice(0, text.indexOf(by)), text.slice(text.indexOf(by) + 1)];
const given = Object.fromEntries(values.secret.map((each) => split(each, '=')));
const objects = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS()).filter(Boolean);
const find = (wanted, named) => objects.find((object) => object.kind === wanted && object.metadata.name === named);
const pod = podOf(find(kind, name)).spec;
const container = containers(pod).find((each) => (values.container ? each.name === values.container : isOurs(each)));

const env = {};
for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    Object.assign(env, configMapRef ? find('ConfigMap', configMapRef.name).data : secretOf(secretRef.name));
}
for (const { name: variable, value, valueFrom } of container.env ?? []) {
    const { name: secret, key } = valueFrom?.secretKeyRef ?? {};
    env[variable] = secret ? (given[`${secret.replace(/-[a-z0-9]{10}$/, '')}/${key}`] ?? secretOf(secret)[key]) : value;
}
for (const each of values.set) {
    const [variable, value] = split(each, '=');
    env[variable] = value;
}

const records = (container.args ?? []).map((each) => `arg ${each}`);
for (const [variable, value] of Object.entries(env)) {
    records.push(`env ${variable}=${values.replace.map((each) => split(each, '=')).reduce((text, [from, to]) => text.replaceAll(from, to), value)}`);
}
const { startupProbe, livenessProbe, readinessProbe } = container;
records.push(`probes ${JSON.stringify({ startupProbe, livenessProbe, readinessProbe })}`, `grace ${pod.terminationGracePeriodSeconds ?? 30}`);
process.stdout.write(records.map((record) => `${record}\0`).join(''));

function secretOf(wanted) {
    const secret = find('Secret', wanted);
    return { ...Object.fromEntries(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()])), ...secret?.stringData };
}
