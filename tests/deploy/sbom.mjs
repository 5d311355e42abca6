// SPDX-License-Identifier: Apache-2.0
// sbom.mjs FILE validates a CycloneDX 1.5 document by the standard's schema, strictly; prints what is wrong, exit code 1.
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

const found = await new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(readFileSync(process.argv[2], "utf8"));
if (found !== null) {
  console.log(JSON.stringify(found));
  process.exit(1);
}
