// SPDX-License-Identifier: Apache-2.0
// What an action throws to refuse a request: the code and the words of the real services. sns.mjs writes it as XML,
// sqs.mjs as JSON.

export class Refusal extends Error {
  constructor(code, message, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export const invalidParameter = (reason) => new Refusal("InvalidParameter", `Invalid parameter: ${reason}`);
