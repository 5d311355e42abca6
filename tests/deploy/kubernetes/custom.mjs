// SPDX-License-Identifier: Apache-2.0
// The kinds of KEDA and of the Prometheus operator, as far as they are used here: strict, so that a field which is not
// here must be looked up and added.
const string = { type: 'string', minLength: 1 };
const strings = { type: 'object', additionalProperties: { type: 'string' } };
const closed = (properties, required = Object.keys(properties)) => ({ type: 'object', additionalProperties: false, properties, required });
const duration = { type: 'string', pattern: '^([0-9]+(ms|s|m|h|d))+$' };
const metadata = closed({ name: string, namespace: string, labels: strings, annotations: strings }, ['name']);
const object = (apiVersion, kind, spec) => closed({ apiVersion: { const: apiVersion }, kind: { const: kind }, metadata, spec });

// https://keda.sh/docs/latest/reference/scaledobject-spec/, https://keda.sh/docs/latest/scalers/aws-sqs/
const scaledObject = closed({
    scaleTargetRef: closed({ name: string }),
    pollingInterval: { type: 'integer', minimum: 1 },
    cooldownPeriod: { type: 'integer', minimum: 0 },
    minReplicaCount: { type: 'integer', minimum: 0 },
    maxReplicaCount: { type: 'integer', minimum: 1 },
    triggers: {
        type: 'array',
        minItems: 1,
        items: closed({
            type: { const: 'aws-sqs-queue' },
            metadata: closed({
                queueURL: { type: 'string', pattern: '^https://' },
                awsRegion: string,
                queueLength: { type: 'string', pattern: '^[0-9]+$' },
                scaleOnInFlight: { enum: ['true', 'false'] },
                identityOwner: { enum: ['pod', 'operator'] },
            }),
        }),
    },
}, ['scaleTargetRef', 'triggers']);

// https://prometheus-operator.dev/docs/api-reference/api/
const serviceMonitor = closed({
    jobLabel: string,
    selector: closed({
        matchLabels: strings,
        matchExpressions: {
            type: 'array',
            items: closed({ key: string, operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] }, values: { type: 'array', items: string } }, ['key', 'operator']),
        },
    }, []),
    endpoints: {
        type: 'array',
        minItems: 1,
        items: closed({
            port: string,
            path: { type: 'string', pattern: '^/' },
            interval: duration,
            relabelings: {
                type: 'array',
                items: closed({ sourceLabels: { type: 'array', items: string }, targetLabel: string, regex: string, replacement: string }, ['targetLabel']),
            },
        }, ['port']),
    },
}, ['selector', 'endpoints']);

const prometheusRule = closed({
    groups: {
        type: 'array',
        minItems: 1,
        items: closed({
            name: string,
            rules: {
                type: 'array',
                minItems: 1,
                items: closed({ alert: string, expr: string, for: duration, labels: strings, annotations: strings }, ['alert', 'expr']),
            },
        }),
    },
});

export const schemas = {
    'keda.sh/v1alpha1/ScaledObject': object('keda.sh/v1alpha1', 'ScaledObject', scaledObject),
    'monitoring.coreos.com/v1/ServiceMonitor': object('monitoring.coreos.com/v1', 'ServiceMonitor', serviceMonitor),
    'monitoring.coreos.com/v1/PrometheusRule': object('monitoring.coreos.com/v1', 'PrometheusRule', prometheusRule),
};
