// SPDX-License-Identifier: Apache-2.0
// node values.mjs SCHEMA RENDERED holds the merged values, which render has printed into RENDERED, against the chart's
// schema. Prints what is wrong, as Helm would; exit code 1 when something is.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';

const [schema, rendered] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, strictTypes: false });
if (!ajv.validate(schema, rendered.values)) {
    for (const { instancePath, message, params } of ajv.errors) {
        console.log(`${instancePath || '/'} ${message} ${JSON.stringify(params)}`);
    }
    process.exitCode = 1;
}
