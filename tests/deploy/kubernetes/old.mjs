// SPDX-License-Identifier: Apache-2.0
// node old.mjs FOLDER rewrites the kustomization.yaml of all folders below for kustomize 2.0, the one in kubectl until 1.20:
// what has another name there gets it.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

for (const name of readdirSync(process.argv[2], { recursive: true }).filter((each) => each.endsWith('kustomization.yaml'))) {
    const file = join(process.argv[2], name);
    const { resources, patches = [], ...rest } = parse(readFileSync(file, 'utf8'));
    for (const generator of [...(rest.configMapGenerator ?? []), ...(rest.secretGenerator ?? [])]) {
        if (generator.envs) {
            [generator.env] = generator.envs;
            delete generator.envs;
        }
    }
    rest.bases = resources.filter((each) => !each.endsWith('.yaml'));
    rest.resources = resources.filter((each) => each.endsWith('.yaml'));
    rest.patchesStrategicMerge = patches.map((patch) => patch.path);
    writeFileSync(file, stringify(rest));
}
