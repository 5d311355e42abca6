// SPDX-License-Identifier: Apache-2.0
// slow_clients.mjs PORT COUNT [BACK_MS]: clients that keep their connections and never finish a request. Half of them say
// nothing, half send a header byte by byte. One whose connection is closed comes back after BACK_MS, if that is given.
// Says "all are there" when all have connected, and "closed" at the first one that is closed. Until it is ended.
import { connect } from 'node:net';

const [port, count, backMs] = process.argv.slice(2).map(Number);
const connected = new Set();
let closed = 0;

function begin(client) {
    const socket = connect(port, '127.0.0.1', () => {
        if (connected.size < count && connected.add(client).size === count) console.log('all are there');
        if (client % 2 === 0) socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    });
    const timer = client % 2 === 0 ? setInterval(() => socket.write('x'), 100) : undefined;
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.resume();
    socket.on('close', () => {
        clearInterval(timer);
        if (closed++ === 0) console.log('closed');
        if (backMs !== undefined) setTimeout(begin, backMs, client);
    });
}

for (let client = 0; client < count; client++) begin(client);
setInterval(() => {}, 1 << 30); // stays when nobody is left
