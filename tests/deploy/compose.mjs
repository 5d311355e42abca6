// SPDX-License-Identifier: Apache-2.0
// A compose file without an engine: every service is the real program on this machine, with the command, environment, health
// check and order that the file says, found under its name at an address of its own.
//
//     node compose.mjs judge FILE              what the compose specification's schema has against it, and ports used twice
//     node compose.mjs names FILE              the services, a line each, as addresses for /etc/hosts
//     node compose.mjs environment FILE NAME   the environment of one, as VARIABLE=VALUE
//     node compose.mjs up FILE FOLDER          runs all, prints "up", and stops all when standard input ends
//
// The server of image postgres is there already, Grafana is left out (no program of it can be had everywhere). RELAY is the
// program of the image outbox-relay:local.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync, openSync, readdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import Ajv from 'ajv';
import { parse } from 'yaml';

const PATIENCE_MS = 60_000;
const [verb, file, operand] = process.argv.slice(2);
const folder = path.dirname(file);
const services = parse(readFileSync(file, 'utf8'), { merge: true }).services;

// What compose makes of a value: $$ is a dollar, and this file has no variables.
function text(value) {
    const plain = String(value).replaceAll('$$', '\0');
    if (plain.includes('$')) throw new Error(`a variable that nobody sets: ${value}`);
    return plain.replaceAll('\0', '$');
}
const environmentOf = (service) =>
    Object.fromEntries(Object.entries(service.environment ?? {}).map(([name, value]) => [name, text(value)]));
const address = (name) => (name === 'postgres' ? '127.0.0.1' : `192.0.2.${Object.keys(services).indexOf(name) + 1}`);

// readDockerfile FILE: the instructions of its last stage, lines joined.
function readDockerfile(name) {
    const lines = readFileSync(name, 'utf8').replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, ' ').split('\n').filter(Boolean);
    const from = lines.map((line) => line.startsWith('FROM ')).lastIndexOf(true);
    return lines.slice(from).map((line) => line.match(/^(\w+)\s+(.*)$/).slice(1));
}

// An image: its entry point, command, environment, health check, and where its files are here.
function imageOf(service) {
    const build = Object.values(services).find(({ image, build }) => image === service.image && build)?.build;
    const image = { entrypoint: [], command: [], environment: {}, files: {} };
    if (!build) return image;
    const context = path.resolve(folder, build.context);
    let workdir = '/';
    for (const [word, rest] of readDockerfile(path.resolve(context, build.dockerfile))) {
        if (word === 'ENTRYPOINT') image.entrypoint = JSON.parse(rest);
        else if (word === 'CMD') image.command = JSON.parse(rest);
        else if (word === 'WORKDIR') workdir = rest;
        else if (word === 'HEALTHCHECK') image.healthcheck = JSON.parse(rest.replace(/^.* CMD (?=\[)/, ''));
        else if (word === 'ENV') {
            for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) image.environment[name] = value;
        } else if (word === 'COPY' && !rest.startsWith('--from')) copy(context, rest.split(/\s+/), workdir, image.files);
    }
    image.workdir = workdir;
    return image;
}

// COPY: which file of the context is at which path of the image.
function copy(context, words, workdir, files) {
    const target = path.resolve(workdir, words.at(-1));
    for (const pattern of words.slice(0, -1)) {
        const parent = path.join(context, path.dirname(pattern));
        const like = new RegExp(`^${path.basename(pattern).replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
        const found = readdirSync(parent).filter((name) => like.test(name));
        if (found.length === 0) throw new Error(`COPY ${pattern}: no such file in ${context}`);
        for (const name of found) files[path.join(target, name)] = path.join(parent, name);
    }
}

// layOut IMAGE FOLDER copies its files to where they are run. What npm ci would install is installed beside the original.
function layOut(files, root) {
    for (const [target, source] of Object.entries(files)) {
        mkdirSync(path.join(root, path.dirname(target)), { recursive: true });
        cpSync(source, path.join(root, target));
        if (path.basename(source) === 'package.json') {
            symlinkSync(path.join(path.dirname(source), 'node_modules'), path.join(root, path.dirname(target), 'node_modules'));
        }
    }
}

class Service {
    constructor(name, service) {
        Object.assign(this, { name, service, image: imageOf(service), root: path.join(operand, name) });
        mkdirSync(this.root, { recursive: true });
        layOut(this.image.files, this.root);
        this.environment = { ...this.image.environment, ...environmentOf(service) };
        this.mounts = (service.volumes ?? []).map((volume) => volume.split(':')).filter(([source]) => source.startsWith('.'));
        for (const [source] of this.mounts) statSync(path.resolve(folder, source));
        // Two containers may have the same port, two programs of one machine cannot.
        const listen = this.environment.OUTBOX_LISTEN;
        if (listen?.startsWith(':')) this.environment.OUTBOX_LISTEN = address(name) + listen;
        if (!this.isElsewhere) this.words = this.argv();
        this.exited = new Promise((resolve) => (this.exit = resolve));
    }

    // A path of the container is one here: of a mounted file, or of the image.
    here(word) {
        let result = text(word);
        for (const [source, target] of this.mounts) result = result.replaceAll(target, path.resolve(folder, source));
        if (result === '/usr/bin/outbox-relay') return process.env.RELAY;
        return this.image.files[result] ? path.join(this.root, result) : result;
    }

    argv() {
        const { service, image } = this;
        if (service.image.startsWith('prom/prometheus:')) return this.prometheus();
        const command = service.command ?? image.command;
        if (!Array.isArray(command)) throw new Error(`${this.name}: a command that is no list`);
        return [...(service.entrypoint ?? image.entrypoint), ...command].map((word) => this.here(word));
    }

    // The image's own command, with the configuration that is mounted.
    prometheus() {
        const config = this.here('/etc/prometheus/prometheus.yml');
        writeFileSync(path.join(this.root, 'prometheus.yml'), this.here(readFileSync(config, 'utf8')));
        const listen = `--web.listen-address=${address(this.name)}:9090`;
        return ['prometheus', `--config.file=${this.root}/prometheus.yml`, `--storage.tsdb.path=${this.root}/data`, listen];
    }

    get isElsewhere() {
        return this.service.image.startsWith('grafana/') || (this.name === 'postgres' && !this.service.command);
    }

    async start() {
        for (const [name, condition] of this.needs()) await all[name].reached(condition);
        if (this.isElsewhere) return;
        const [program, ...words] = this.words;
        this.process = this.spawn(program, words, `${operand}/${this.name}.log`);
        this.process.on('error', (error) => this.exit(`${error}`));
        this.process.on('exit', (code, signal) => this.exit(code ?? signal));
        console.log(`started ${this.name}`);
    }

    needs() {
        const needs = this.service.depends_on ?? {};
        return Array.isArray(needs) ? needs.map((name) => [name, 'service_started']) : Object.entries(needs).map(([name, { condition }]) => [name, condition]);
    }

    spawn(program, words, log) {
        const output = openSync(log, 'a');
        const { PATH, HOME } = process.env;
        const cwd = path.join(this.root, this.image.workdir ?? '');
        return spawn(program, words, { cwd, env: { PATH, HOME, ...this.environment }, stdio: ['ignore', output, output] });
    }

    // Whether it has got as far as another service, or `up --wait`, waits for.
    async reached(condition) {
        if (this.service.image.startsWith('grafana/')) return;
        await this.started;
        if (condition === 'service_completed_successfully') return this.completed();
        if (condition === 'service_healthy') return this.healthy();
        if (condition !== 'service_started') throw new Error(`${this.name}: what is ${condition}?`);
    }

    async completed() {
        const code = await this.exited;
        if (code !== 0) throw new Error(`${this.name} ended with ${code}`);
    }

    async healthy() {
        const test = this.service.healthcheck?.test?.slice(1) ?? this.image.healthcheck;
        if (!test) throw new Error(`${this.name} has no health check to wait for`);
        await this.patiently('is not healthy', async () => {
            const [code] = await once(this.spawn(this.here(test[0]), test.slice(1).map(text), `${operand}/${this.name}.health.log`), 'exit');
            return code === 0;
        });
    }

    // Each port that is published is one it listens on.
    async listening() {
        for (const port of (this.service.ports ?? []).map((published) => Number(published.split(':').at(-1)))) {
            await this.patiently(`does not listen on ${port}`, async () => {
                const socket = net.connect(port, this.name);
                const connected = await Promise.race([once(socket, 'connect').then(() => true, () => false)]);
                socket.destroy();
                return connected;
            });
        }
    }

    async patiently(complaint, attempt) {
        const end = Date.now() + PATIENCE_MS;
        while (!(await attempt())) {
            const ended = this.process && (this.process.exitCode ?? this.process.signalCode) !== null;
            if (ended || Date.now() > end) throw new Error(`${this.name} ${complaint}`);
            await wait(100);
        }
    }

    // What `up --wait` waits for.
    async up() {
        const isOnce = Object.values(all).some((other) => other.needs().some(([name, condition]) => name === this.name && condition.includes('completed')));
        if (isOnce) return this.reached('service_completed_successfully');
        await this.started;
        if (this.service.image.startsWith('grafana/')) return;
        if (this.service.healthcheck?.test ?? this.image.healthcheck) await this.healthy();
        await this.listening();
    }

    async stop() {
        if (!this.process || this.process.exitCode !== null || this.process.signalCode) return;
        this.process.kill('SIGTERM');
        console.log(`stopped ${this.name} ${await this.exited}`);
    }
}

const all = {};
async function up() {
    for (const [name, service] of Object.entries(services)) all[name] = new Service(name, service);
    process.stdin.resume();
    const end = once(process.stdin, 'end');
    try {
        for (const service of Object.values(all)) service.started = service.start();
        await Promise.all(Object.values(all).map((service) => service.up()));
        console.log('up');
        await end;
    } finally {
        for (const service of Object.values(all).reverse()) await service.stop();
    }
}

// The schema is the specification's own, of which dclint brings a copy.
function judge() {
    const schema = readFileSync(new URL('node_modules/dclint/schemas/compose.schema.json', import.meta.url), 'utf8');
    const valid = new Ajv.default({ strict: false, allErrors: true, validateFormats: false, validateSchema: false }).compile(JSON.parse(schema));
    const document = parse(readFileSync(file, 'utf8'), { merge: true });
    if (!valid(document)) for (const { instancePath, message, params } of valid.errors) console.log(instancePath, message, JSON.stringify(params));
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => port.split(':').slice(0, -1).join(':')));
    for (const port of ports.filter((port, index) => ports.indexOf(port) !== index)) console.log(`${port} is published twice`);
}

if (verb === 'judge') judge();
else if (verb === 'names') console.log(["127.0.0.1 localhost", ...Object.keys(services).map((name) => `${address(name)} ${name}`)].join("\n"));
else if (verb === 'environment') for (const [name, value] of Object.entries(environmentOf(services[operand]))) console.log(`${name}=${value}`);
else await up().catch((error) => {
    console.error(`compose.mjs: ${error.message}`);
    process.exit(1);
});
