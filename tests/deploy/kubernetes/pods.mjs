// SPDX-License-Identifier: Apache-2.0
// What is asked of pods: the profile "restricted" of the Pod Security Standards
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/), point by point, and what the house adds.

const volumeTypes = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'];

// restricted yields the rules that the pod breaks.
export function* restricted(pod) {
    for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) {
        if (pod[name]) yield `${name} is set`;
    }
    for (const volume of pod.volumes ?? []) {
        const type = Object.keys(volume).find((key) => key !== 'name');
        if (!volumeTypes.includes(type)) yield `volume ${volume.name} is of type ${type}`;
    }
    if ((pod.securityContext?.sysctls ?? []).length) yield 'sysctls are set';
    for (const container of containers(pod)) {
        for (const problem of restrictedContainer(pod.securityContext ?? {}, container)) yield `${container.name}: ${problem}`;
    }
}

function* restrictedContainer(pod, container) {
    const own = container.securityContext ?? {};
    const either = (name) => own[name] ?? pod[name];
    if (own.privileged) yield 'privileged';
    if (own.procMount && own.procMount !== 'Default') yield 'procMount is not the default';
    if (own.allowPrivilegeEscalation !== false) yield 'allowPrivilegeEscalation is not false';
    if (either('runAsNonRoot') !== true) yield 'runAsNonRoot is not true';
    if (either('runAsUser') === 0) yield 'runAsUser is root';
    if (!['RuntimeDefault', 'Localhost'].includes(either('seccompProfile')?.type)) yield 'seccompProfile is not RuntimeDefault or Localhost';
    if (!(own.capabilities?.drop ?? []).includes('ALL')) yield 'capabilities: ALL is not dropped';
    if ((own.capabilities?.add ?? []).some((name) => name !== 'NET_BIND_SERVICE')) yield 'capabilities are added';
    if (either('seLinuxOptions') || either('windowsOptions')?.hostProcess || either('appArmorProfile')?.type === 'Unconfined') yield 'SELinux, AppArmor or Windows options are loosened';
    for (const port of container.ports ?? []) {
        if (port.hostPort) yield 'hostPort is set';
    }
    for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
        if (container[probe]?.httpGet?.host || container[probe]?.tcpSocket?.host) yield `${probe} names a host`;
    }
}

// house yields what else is asked; a long-running pod is one of a Deployment.
export function* house(pod, longRunning) {
    if (pod.automountServiceAccountToken !== false) yield 'automountServiceAccountToken is not false: nothing here talks to Kubernetes';
    for (const container of containers(pod)) {
        const sidecar = container.restartPolicy === 'Always';
        for (const problem of houseContainer(pod, container, longRunning, sidecar)) yield `${container.name}: ${problem}`;
    }
}

function* houseContainer(pod, container, longRunning, sidecar) {
    const user = container.securityContext?.runAsUser ?? pod.securityContext?.runAsUser;
    if (user !== 65532) yield `runAsUser is ${user}, not 65532`;
    if (container.securityContext?.readOnlyRootFilesystem !== true) yield 'readOnlyRootFilesystem is not true';
    if (!/(@sha256:[0-9a-f]{64}|:[\w][\w.-]*)$/.test(container.image ?? '') || /:latest$/.test(container.image)) yield `image ${container.image} has no tag of a version`;
    for (const [kind, name] of [['requests', 'cpu'], ['requests', 'memory'], ['limits', 'memory']]) {
        if (!container.resources?.[kind]?.[name]) yield `resources.${kind}.${name} is missing`;
    }
    if (!longRunning) return;
    if (pod.initContainers?.includes(container) && isOurs(container) && container.args?.[0] === 'run' && !sidecar) yield 'the pod waits for its end: restartPolicy is not Always';
    const wanted = sidecar ? ['startupProbe', 'livenessProbe'] : ['livenessProbe', 'readinessProbe'];
    for (const probe of wanted) {
        if (!container[probe]) yield `${probe} is missing`;
    }
    const ports = new Set((container.ports ?? []).flatMap((port) => [port.name, port.containerPort]));
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
        const get = container[probe]?.httpGet;
        if (get && !ports.has(get.port)) yield `${probe} asks port ${get.port}, which is none of the container's`;
        if (get && isOurs(container) && get.path !== (probe === 'readinessProbe' ? '/readyz' : '/livez')) yield `${probe} asks ${get.path}`;
    }
    if (isOurs(container) && !container.startupProbe) yield 'startupProbe is missing';
}

export const containers = (pod) => [...(pod.initContainers ?? []), ...(pod.containers ?? [])];
export const isOurs = (container) => /outbox-relay[:@]/.test(container.image ?? '');
