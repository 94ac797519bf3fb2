/** What a route's handler returns, on its way to the client. */

import { isInvalid, type Validator, validationError } from "./message-schema";

/** What an answer is sent with: the text of an error goes there, too. */
interface Sender {
  send(data: never): unknown;
}

/**
 * Sends a client what a handler has returned, as Elysia does: a value, the promise of one, or all
 * that a generator yields.
 *
 * @returns a promise where the answer takes time
 */
export function sendAnswer(
  ws: Sender,
  validator: Validator | undefined,
  answer: unknown,
): Promise<unknown> | undefined {
  if (answer === undefined) return undefined;
  if (answer instanceof Promise) return answer.then((value) => sendAnswer(ws, validator, value));
  if (Buffer.isBuffer(answer)) {
    ws.send(answer.toString() as never);
    return undefined;
  }
  const send = (value: unknown) => {
    if (value === undefined) return;
    const isAllowed = !validator || !isInvalid(validator, value);
    ws.send((isAllowed ? asText(value) : validationError(validator, value).message) as never);
  };
  if (!isGenerator(answer)) {
    send(answer);
    return undefined;
  }
  return sendAll(answer, send);
}

/** Objects are sent as JSON. */
export function asText(value: unknown): unknown {
  return typeof value === "object" ? JSON.stringify(value) : value;
}

type Generated = Iterator<unknown> & AsyncIterator<unknown> & Iterable<unknown>;

function isGenerator(answer: unknown): answer is Generated {
  return typeof (answer as Partial<Generated> | null)?.next === "function";
}

/** What a synchronous generator yields goes out at once. */
function sendAll(answer: Generated, send: (value: unknown) => void): Promise<unknown> | undefined {
  const first: unknown = answer.next();
  if (first instanceof Promise) return sendAllLater(answer, first, send);
  const { value, done } = first as IteratorResult<unknown>;
  send(value);
  if (!done) for (const next of answer) send(next);
  return undefined;
}

async function sendAllLater(
  answer: Generated,
  first: Promise<IteratorResult<unknown>>,
  send: (value: unknown) => void,
): Promise<void> {
  const { value, done } = await first;
  send(value);
  if (!done) for await (const next of answer as AsyncIterable<unknown> & Generated) send(next);
}
