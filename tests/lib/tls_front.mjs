// SPDX-License-Identifier: Apache-2.0
// HTTPS in front of an HTTP server: node tls_front.mjs KEY_FILE CERTIFICATE_FILE URL. It listens on a free port of 127.0.0.1
// and prints "listening on PORT".
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const [key, cert, target] = process.argv.slice(2);
const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    const { method, headers } = request;
    const onward = http.request(new URL(request.url, target), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
