// SPDX-License-Identifier: Apache-2.0
// A network that can fail, for system tests: node proxy.mjs TARGET_PORT [COMMAND]. It listens on two free ports of
// 127.0.0.1 and prints "listening on PORT, controlled on PORT". What connects to the first is handed on to
// 127.0.0.1:TARGET_PORT. Each connection to the second says one line and gets one back:
//
//     pass            everything flows again, also what was frozen
//     freeze [PORT]   a black hole: nothing gets through, nobody is told, connections are still accepted. With PORT only
//                     for the connection that has this port on its way to the target (pg_stat_activity's client_port)
//     reset           resets all connections
//     delay MS        each piece of data waits
//     limit BYTES     a second, in each direction of a connection; 0 is none
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const [target, first] = process.argv.slice(2);
const links = new Set();
let frozen = false;
let delay = 0;
let limit = 0;

class Link {
    constructor(client) {
        this.client = client;
        this.isFrozen = false;
        this.thaw = () => {};
        links.add(this);
        client.on('error', () => {});
    }

    freeze() {
        if (!this.isFrozen) {
            this.isFrozen = true;
            this.thawed = new Promise((resolve) => {
                this.thaw = resolve;
            });
        }
    }

    pass() {
        this.isFrozen = false;
        this.thaw();
    }

    async passable() {
        while (this.isFrozen) {
            await this.thawed;
        }
    }

    async open() {
        await this.passable();
        this.server = net.connect(Number(target), '127.0.0.1');
        this.server.on('error', () => {});
        await Promise.all([this.pump(this.client, this.server), this.pump(this.server, this.client)]);
        links.delete(this);
    }

    // An end or an error on one side reaches the other side only when something can get through.
    async pump(from, to) {
        try {
            for await (const piece of from) {
                await wait(delay + (limit > 0 ? (piece.length / limit) * 1000 : 0));
                await this.passable();
                if (!to.write(piece)) {
                    await once(to, 'drain');
                }
            }
            await this.passable();
            to.end();
        } catch {
            await this.passable();
            to.destroy();
        }
    }

    reset() {
        this.client.resetAndDestroy();
        this.server?.resetAndDestroy();
        this.pass();
    }
}

const commands = {
    pass() {
        frozen = false;
        delay = limit = 0;
        links.forEach((link) => link.pass());
    },
    freeze(port) {
        frozen = port === undefined;
        links.forEach((link) => (frozen || link.server?.localPort === Number(port)) && link.freeze());
    },
    reset: () => links.forEach((link) => link.reset()),
    delay(milliseconds) {
        delay = Number(milliseconds);
    },
    limit(bytes) {
        limit = Number(bytes);
    },
};

function obey(line) {
    const [name, ...values] = line.trim().split(' ');
    commands[name](...values);
}

const data = net.createServer((client) => {
    const link = new Link(client);
    if (frozen) {
        link.freeze();
    }
    link.open();
});
const control = net.createServer((client) => {
    client.once('data', (line) => {
        obey(line.toString());
        client.end('done\n');
    });
});

data.listen(0, '127.0.0.1', () =>
    control.listen(0, '127.0.0.1', () => {
        if (first !== undefined) {
            obey(first);
        }
        console.log(`listening on ${data.address().port}, controlled on ${control.address().port}`);
    }),
);
