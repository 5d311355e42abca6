# SPDX-License-Identifier: Apache-2.0
# What compose.yaml needs beside the product: the SNS and SQS emulator of deploy/emulator, and what the example shop's API
# runs on. For trying things out only.
ARG NODE=node:22-bookworm-slim
FROM ${NODE}
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /emulator
COPY emulator/package.json emulator/package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
COPY emulator/*.mjs ./
COPY example/api.mjs /example/
USER node
EXPOSE 4566
CMD ["node", "server.mjs"]
