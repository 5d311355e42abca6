// SPDX-License-Identifier: Apache-2.0
// node check.mjs [--each] [--outside NAME,NAME...] [--settings FILE] FILE... looks at the objects in the files, all of which are meant
// to be there together: each is one that Kubernetes takes, and what the house asks of it (pods.mjs, together.mjs). --outside
// names Secrets and the like that others make, --settings has the names of the program's settings. Prints what is wrong,
// else a line "N objects: KIND..."; exit code 1 when something is. With --each, files are
// looked at one by one, and a line says what is wrong with each.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { structure } from './objects.mjs';
import { house, restricted } from './pods.mjs';
import { podOf, together } from './together.mjs';

const { values, positionals } = parseArgs({ options: { each: { type: 'boolean', default: false }, outside: { type: 'string', default: '' }, settings: { type: 'string' } }, allowPositionals: true });
const known = values.settings ? readFileSync(values.settings, 'utf8').split(/\s+/) : null;
if (values.each) {
    positionals.forEach((file) => console.log(judge(read(file)).join(' | ')));
} else {
    const objects = positionals.flatMap(read);
    const problems = judge(objects);
    console.log(problems.length ? problems.join('\n') : `${objects.length} objects: ${[...new Set(objects.map((object) => object.kind))].sort().join(' ')}`);
    process.exitCode = problems.length || !objects.length ? 1 : 0;
}

function judge(objects) {
    const problems = objects.flatMap((object) => structure(object).map((problem) => `${object.kind} ${object.metadata?.name}: ${problem}`));
    return problems.length ? problems : [...objects.flatMap(pods), ...together(objects, values.outside.split(','), known)];
}

function read(file) {
    return parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document) => {
        if (document.errors.length) {
            throw new Error(`${file}: ${document.errors[0].message}`);
        }
        const object = document.toJS();
        if (object?.kind === 'Secret') { // kustomize breaks base64 into lines, and Kubernetes does not mind
            object.data &&= Object.fromEntries(Object.entries(object.data).map(([key, value]) => [key, value.replaceAll('\n', '')]));
        }
        return object === null ? [] : [object];
    });
}

function pods(object) {
    const pod = podOf(object)?.spec;
    return pod ? [...restricted(pod), ...house(pod, object.kind === 'Deployment')].map((problem) => `${object.kind} ${object.metadata.name}: ${problem}`) : [];
}
