/**
 * Meters that speak Modbus-TCP, read through `modbus-serial`. There it is in its element: every request carries a
 * transaction number, so a late answer is recognised, which it is not on a serial line. The meter's own exchanges
 * (`protocols/modbus`) run unchanged; their frames are translated here, and the values are the same.
 */
import modbusSerial from 'modbus-serial';
import type { ModbusRTU } from 'modbus-serial/ModbusRTU.js';
import type { Exchange, Move } from '../protocols/exchange.ts';
import type { Failure } from '../protocols/failure.ts';
import { decodeRequest, encodeAnswer, type ModbusAnswer, type ModbusRequest } from '../protocols/modbus/frame.ts';

const CONNECT_DEADLINE_MS = 5_000;
const WAITING_MAX = 64;
/** No Modbus-TCP meter needs longer, and no request may hang. */
const ANSWER_DEADLINE_MS = 10_000;

export type ModbusTcpAnswer<T> = { value: T } | { failure: Failure; detail: string };

export interface ModbusTcp {
  /**
   * Runs one exchange, after those that were asked before it. Never rejects; ends within its deadlines, or with `giveUp`:
   * what then still comes is recognised and dropped.
   */
  run<T>(exchange: Exchange<T>, giveUp?: AbortSignal): Promise<ModbusTcpAnswer<T>>;
  /** Whether the connection stands; a lost one is opened anew by `openModbusTcp`. */
  readonly open: boolean;
  close(): Promise<void>;
}

/** Connects within 5 s or rejects. */
export async function openModbusTcp(host: string, port = 502): Promise<ModbusTcp> {
  const client = new modbusSerial.default();
  client.on('error', () => undefined);
  await withDeadline(client.connectTCP(host, { port }), CONNECT_DEADLINE_MS, `no connection to ${host}:${port}`).catch(
    (error: unknown) => {
      client.destroy(() => undefined);
      throw error;
    },
  );
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  // The library still calls a connection open for a while after it was closed.
  let closed = false;
  client.on('close', () => {
    closed = true;
  });
  const isOpen = (): boolean => !closed && client.isOpen;
  return {
    get open() {
      return isOpen();
    },
    run(exchange, giveUp) {
      if (waiting >= WAITING_MAX) return Promise.resolve({ failure: 'busy', detail: 'too many requests are waiting' });
      waiting++;
      const talk = () => Promise.race([converse(client, exchange, isOpen), givenUp(giveUp)]);
      const turn = last.then(talk).finally(() => waiting--);
      last = turn;
      return turn;
    },
    close() {
      closed = true;
      return new Promise((resolve) => client.destroy(() => resolve()));
    },
  };
}

function givenUp(signal: AbortSignal | undefined): Promise<{ failure: Failure; detail: string }> {
  return new Promise((resolve) => {
    const giveUp = () => resolve({ failure: 'cancelled', detail: 'nobody waits for it any more' });
    if (signal?.aborted) giveUp();
    else signal?.addEventListener('abort', giveUp, { once: true });
  });
}

async function converse<T>(
  client: ModbusRTU,
  exchange: Exchange<T>,
  isOpen: () => boolean,
): Promise<ModbusTcpAnswer<T>> {
  let move: Move<T> = exchange.start();
  while (move.do === 'send') {
    if (!isOpen()) return { failure: 'port-lost', detail: 'the connection is closed' };
    const request = decodeRequest(move.bytes);
    if ('problem' in request) return { failure: 'refused', detail: request.problem };
    client.setTimeout(Math.min(Math.max(move.answerMs, 1), ANSWER_DEADLINE_MS));
    const answer = await transact(client, request);
    move =
      answer === undefined
        ? exchange.timedOut()
        : 'failure' in answer
          ? { do: 'failed', ...answer }
          : exchange.received(encodeAnswer(answer));
  }
  if (move.do === 'done') return { value: move.value };
  if (move.do === 'failed') return { failure: move.failure, detail: move.detail };
  return { failure: 'wrong-item', detail: 'the answer is to another question' };
}

/** The answer, exceptions included; undefined when none came in time. */
async function transact(
  client: ModbusRTU,
  request: ModbusRequest,
): Promise<ModbusAnswer | { failure: Failure; detail: string } | undefined> {
  try {
    return await ask(client, request);
  } catch (error) {
    const { modbusCode, name, message } = error as Error & { modbusCode?: number };
    if (modbusCode !== undefined) return { unit: request.unit, function: request.function, exception: modbusCode };
    if (name === 'TransactionTimedOutError') return undefined;
    return client.isOpen ? { failure: 'garbage', detail: message } : { failure: 'port-lost', detail: message };
  }
}

async function ask(client: ModbusRTU, request: ModbusRequest): Promise<ModbusAnswer> {
  const { unit } = request;
  client.setID(unit);
  switch (request.function) {
    case 1:
      return { unit, function: 1, bits: wholeBytes((await client.readCoils(request.address, request.count)).data) };
    case 2:
      return {
        unit,
        function: 2,
        bits: wholeBytes((await client.readDiscreteInputs(request.address, request.count)).data),
      };
    case 3:
      return { unit, function: 3, registers: (await client.readHoldingRegisters(request.address, request.count)).data };
    case 4:
      return { unit, function: 4, registers: (await client.readInputRegisters(request.address, request.count)).data };
    case 5:
      await client.writeCoil(request.address, request.on);
      return request;
    case 6:
      await client.writeRegister(request.address, request.value);
      return request;
    case 15:
      await client.writeCoils(request.address, request.bits);
      return { unit, function: 15, address: request.address, count: request.bits.length };
    case 16:
      await client.writeRegisters(request.address, request.registers);
      return { unit, function: 16, address: request.address, count: request.registers.length };
    case 20:
    case 23:
      // The library has no whole one of these: the meter is taken not to have it either.
      return { unit, function: request.function, exception: 1 };
    default:
      return request satisfies never;
  }
}

/** Answers carry bits in whole bytes. */
function wholeBytes(bits: readonly boolean[]): boolean[] {
  return [...bits, ...new Array<boolean>((8 - (bits.length % 8)) % 8).fill(false)];
}

function withDeadline<T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} within ${deadlineMs} ms`)), deadlineMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
