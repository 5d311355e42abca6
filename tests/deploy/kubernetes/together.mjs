// SPDX-License-Identifier: Apache-2.0
// What objects say of each other: that selectors select, that what is referred to is there, that numbers fit.
import { containers, isOurs } from './pods.mjs';

const name = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const labelValue = /^(|[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)$/;
const selects = (selector, labels) => Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);

export const podOf = (object) => (object.kind === 'Pod' ? object : ['Deployment', 'Job'].includes(object.kind) ? object.spec.template : undefined);
export const seconds = (text) => {
    const [, number, unit] = /^(\d+)(ms|s|m|h)?$/.exec(text) ?? [];
    return Number(number) * { ms: 0.001, s: 1, m: 60, h: 3600 }[unit ?? 's'];
};

// together yields the problems of the objects. `outside` are names of Secrets and ConfigMaps that others make, `known`
// (null: not asked) the program's settings.
export function* together(objects, outside, known) {
    const world = { objects, outside, known, find: (kind, wanted) => objects.find((object) => object.kind === kind && object.metadata.name === wanted) };
    const names = new Set();
    for (const object of objects) {
        const where = `${object.kind} ${object.metadata.name}`;
        if (names.has(where)) yield `${where} is there twice`;
        names.add(where);
        for (const problem of each(object, world)) yield `${where}: ${problem}`;
    }
}

function* each(object, world) {
    yield* naming(object.metadata, object.kind === 'Service' ? 63 : 253);
    const pod = podOf(object);
    if (pod) yield* references(pod, world);
    if (pod && object.kind !== 'Pod') yield* naming(pod.metadata, 63);
    const rule = { Deployment: deployment, Service: service, PodDisruptionBudget: budget, ScaledObject: scaled, ConfigMap: config, NetworkPolicy: network, Job: job, ServiceMonitor: monitor }[object.kind];
    if (rule) yield* rule(object, world);
}

function* naming(metadata, longest) {
    if (metadata?.name !== undefined && (!name.test(metadata.name) || metadata.name.length > longest)) yield `its name is no DNS name of ${longest} characters`;
    for (const [key, value] of Object.entries(metadata?.labels ?? {})) {
        if (!labelValue.test(value)) yield `label ${key}: "${value}" is no label's value`;
    }
}

function* references(pod, { find, outside }) {
    const there = (kind, wanted) => outside.includes(wanted) || find(kind, wanted);
    if (pod.spec.serviceAccountName && !there('ServiceAccount', pod.spec.serviceAccountName)) yield `there is no ServiceAccount ${pod.spec.serviceAccountName}`;
    const volumes = new Set((pod.spec.volumes ?? []).map((volume) => volume.name));
    for (const container of containers(pod.spec)) {
        for (const { configMapRef, secretRef } of container.envFrom ?? []) {
            if (configMapRef && !there('ConfigMap', configMapRef.name)) yield `there is no ConfigMap ${configMapRef.name}`;
            if (secretRef && !there('Secret', secretRef.name)) yield `there is no Secret ${secretRef.name}`;
        }
        for (const { valueFrom } of container.env ?? []) {
            const { name: secret, key } = valueFrom?.secretKeyRef ?? {};
            const found = secret && find('Secret', secret);
            if (secret && !there('Secret', secret)) yield `there is no Secret ${secret}`;
            if (found && !(key in { ...found.data, ...found.stringData })) yield `Secret ${secret} has no key ${key}`;
        }
        for (const mount of container.volumeMounts ?? []) {
            if (!volumes.has(mount.name)) yield `there is no volume ${mount.name}`;
        }
    }
}

function* deployment(object, { objects, find }) {
    const { selector, strategy, template, replicas } = object.spec;
    if (!selects(selector.matchLabels, template.metadata?.labels) || !Object.keys(selector.matchLabels ?? {}).length) yield 'its selector does not select its own pods';
    for (const constraint of template.spec.topologySpreadConstraints ?? []) {
        if (!selects(constraint.labelSelector?.matchLabels, template.metadata.labels)) yield `the spread over ${constraint.topologyKey} is of other pods`;
    }
    const isScaled = objects.some((other) => other.kind === 'ScaledObject' && other.spec.scaleTargetRef.name === object.metadata.name);
    if (isScaled === (replicas !== undefined)) yield isScaled ? 'replicas and a ScaledObject contradict each other' : 'replicas is missing';
    for (const container of containers(template.spec).filter(isOurs)) {
        yield* program(object, container, find);
    }
    if (!template.spec.containers.some(isOurs)) return;
    if (strategy?.rollingUpdate?.maxUnavailable !== 0 || strategy.rollingUpdate.maxSurge !== 1) yield 'a roll-out does not start a new pod before it stops an old one';
    if ((template.spec.topologySpreadConstraints ?? []).length < 2) yield 'it is not spread over zones and nodes';
    if (!objects.some((other) => other.kind === 'PodDisruptionBudget' && selects(other.spec.selector.matchLabels, template.metadata.labels))) yield 'no PodDisruptionBudget is of its pods';
}

// Of our program: what it is told agrees with what Kubernetes is told.
function* program(object, container, find) {
    const settings = Object.assign({}, ...(container.envFrom ?? []).map((from) => find('ConfigMap', from.configMapRef?.name)?.data));
    const port = container.ports?.find((each) => each.name === 'admin')?.containerPort;
    if (settings.OUTBOX_LISTEN !== `:${port}`) yield `OUTBOX_LISTEN is ${settings.OUTBOX_LISTEN}, port admin is ${port}`;
    const grace = object.spec.template.spec.terminationGracePeriodSeconds ?? 30;
    const timeout = seconds(settings.OUTBOX_SHUTDOWN_TIMEOUT ?? '25s');
    const needed = timeout + 2;
    if (container.args?.[0] === 'consume' && timeout <= seconds(settings.OUTBOX_WAIT_TIME ?? '20s')) yield 'OUTBOX_SHUTDOWN_TIMEOUT is not more than OUTBOX_WAIT_TIME';
    if (grace <= needed) yield `terminationGracePeriodSeconds is ${grace}: stopping may take ${needed} s`;
}

function* service(object, { objects }) {
    const pods = objects.filter((other) => other.kind === 'Deployment' && selects(object.spec.selector, other.spec.template.metadata.labels));
    if (pods.length !== 1) yield `it selects the pods of ${pods.length} Deployments`;
    const ports = pods.flatMap((pod) => containers(pod.spec.template.spec)).flatMap((container) => container.ports ?? []);
    for (const port of object.spec.ports) {
        if (!ports.some((other) => other.name === port.targetPort || other.containerPort === port.targetPort)) yield `no container has the port ${port.targetPort}`;
    }
}

function* budget(object, { objects }) {
    if (!objects.some((other) => other.kind === 'Deployment' && selects(object.spec.selector.matchLabels, other.spec.template.metadata.labels))) yield 'it is of no pods';
    if (object.spec.maxUnavailable === 0) yield 'no node could be drained';
}

function* scaled(object, { find }) {
    const target = find('Deployment', object.spec.scaleTargetRef.name);
    if (!target) return yield `there is no Deployment ${object.spec.scaleTargetRef.name}`;
    const from = target.spec.template.spec.containers[0].envFrom.map((each) => find('ConfigMap', each.configMapRef?.name)).find(Boolean);
    const { queueURL, awsRegion } = object.spec.triggers[0].metadata;
    if (from.data.OUTBOX_QUEUE_URL !== queueURL) yield 'it watches another queue than the consumer receives from';
    if (!queueURL.includes(`.${awsRegion}.`)) yield `the queue is not in ${awsRegion}`;
    if (object.spec.minReplicaCount > object.spec.maxReplicaCount) yield 'the least is more than the most';
}

function* config(object, { known }) {
    for (const [key, value] of Object.entries(object.data ?? {})) {
        if (/^(OUTBOX|AWS)_/.test(key) && known && !known.includes(key)) yield `${key} is no setting of the program`;
        if (/:\/\/[^/@\s]*:[^/@\s]+@/.test(value) || /PASSWORD|SECRET$/.test(key)) yield `${key} has a secret`;
    }
}

function* network(object, { objects }) {
    const labels = objects.map((other) => podOf(other)?.metadata?.labels).filter(Boolean);
    if (!labels.some((each) => selects(object.spec.podSelector.matchLabels, each))) yield 'it is of no pods';
    if (!['Ingress', 'Egress'].every((type) => object.spec.policyTypes.includes(type))) yield 'it is not of both directions';
    const ports = (object.spec.egress ?? []).flatMap((rule) => rule.ports ?? []).map((port) => `${port.protocol} ${port.port}`);
    for (const wanted of ['UDP 53', 'TCP 53', 'TCP 443', 'TCP 80']) {
        if (!ports.includes(wanted)) yield `what is needed is not let out: ${wanted}`;
    }
}

function* monitor(object, { objects }) {
    const { matchLabels, matchExpressions = [] } = object.spec.selector;
    const found = objects.filter((other) => other.kind === 'Service' && selects(matchLabels, other.metadata.labels) && matchExpressions.every((each) => each.values.includes(other.metadata.labels[each.key])));
    if (!found.length) return yield 'it finds no Service';
    for (const endpoint of object.spec.endpoints) {
        if (!found.every((each) => each.spec.ports.some((port) => port.name === endpoint.port))) yield `not every Service has the port ${endpoint.port}`;
    }
}

function* job(object) {
    if (!['Never', 'OnFailure'].includes(object.spec.template.spec.restartPolicy)) yield 'its restartPolicy is none of a Job';
    if (object.spec.backoffLimit === undefined || object.spec.activeDeadlineSeconds === undefined) yield 'it may go on for ever';
    if (object.spec.ttlSecondsAfterFinished === undefined && !object.metadata.annotations?.['helm.sh/hook-delete-policy']) yield 'nobody removes it';
}
