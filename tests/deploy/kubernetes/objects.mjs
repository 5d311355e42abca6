// SPDX-License-Identifier: Apache-2.0
// Whether an object is one that Kubernetes would take without a warning: of a known kind, every field of the right type,
// none that is unknown. The models of Kubernetes' own kinds let unknown fields pass; so they validate a view of the object
// that notes what they look at, and what they have never looked at is unknown to them.
import Ajv from 'ajv';
import { validate as ConfigMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap';
import { validate as Pod } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Pod';
import { validate as Secret } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Secret';
import { validate as Service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service';
import { validate as ServiceAccount } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount';
import { validate as Deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment';
import { validate as Job } from 'kubernetes-models/_schemas/IoK8sApiBatchV1Job';
import { validate as NetworkPolicy } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy';
import { validate as PodDisruptionBudget } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget';
import { schemas } from './custom.mjs';

const core = {
    'v1/ConfigMap': ConfigMap, 'v1/Pod': Pod, 'v1/Secret': Secret, 'v1/Service': Service, 'v1/ServiceAccount': ServiceAccount,
    'apps/v1/Deployment': Deployment, 'batch/v1/Job': Job, 'networking.k8s.io/v1/NetworkPolicy': NetworkPolicy,
    'policy/v1/PodDisruptionBudget': PodDisruptionBudget,
};
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const custom = Object.fromEntries(Object.entries(schemas).map(([kind, schema]) => [kind, ajv.compile(schema)]));

// structure returns what is wrong with the object, an empty list when nothing is.
export function structure(object) {
    const kind = `${object?.apiVersion}/${object?.kind}`;
    if (kind in custom) {
        return custom[kind](object) ? [] : custom[kind].errors.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
    }
    if (!(kind in core)) {
        return [`no such kind is known: ${kind}`];
    }
    const seen = new Map();
    const problems = core[kind](watched(object, seen)) ? [] : core[kind].errors.map((error) => `${error.instancePath} ${error.message ?? JSON.stringify(error.params)}`);
    return problems.length ? problems : unseen(object, '', seen);
}

function watched(value, seen) {
    if (value === null || typeof value !== 'object') {
        return value;
    }
    if (!seen.has(value)) {
        seen.set(value, new Set());
    }
    return new Proxy(value, {
        get(target, key) {
            seen.get(target).add(key);
            return watched(Reflect.get(target, key), seen);
        },
    });
}

function unseen(value, path, seen) {
    if (value === null || typeof value !== 'object') {
        return [];
    }
    return Object.keys(value).flatMap((key) => (seen.get(value)?.has(key) ? unseen(value[key], `${path}/${key}`, seen) : [`${path}/${key} is no field`]));
}
