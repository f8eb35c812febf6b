import { describe, expect, it } from 'vitest';
import { planLoad } from '../../../firmware/bus/plan.ts';
import { concat, fromHex } from '../../../protocols/bytes.ts';
import type { Standard } from '../../../protocols/dlt645/control.ts';
import {
  commandExchange,
  converse,
  findMeterExchange,
  readData,
  readItemExchange,
  readProfileExchange,
} from '../../../protocols/dlt645/exchange.ts';
import { encodeFrame, type Frame } from '../../../protocols/dlt645/frame.ts';
import { Framer } from '../../../protocols/dlt645/framer.ts';
import { readClockExchange, readLastEventExchange, readRelayExchange } from '../../../protocols/dlt645/on-demand.ts';
import { dlt645Blocks } from '../../../protocols/dlt645/poll.ts';
import { type Answer, decodeRequest, encodeAnswer, type Request } from '../../../protocols/dlt645/requests.ts';
import type { Exchange, Move } from '../../../protocols/exchange.ts';

const ADDRESS = '000000000161';
const ANYONE = { address: 'AAAAAAAAAAAA', standard: '2007' } as const;
const METER = { address: ADDRESS, standard: '2007' } as const;

/** What comes back for a request: bytes, or nothing and the deadline passes. */
type Line = (request: Request, frame: Frame) => Uint8Array | undefined;

/** Runs an exchange against a line to its end. */
function run<T>(exchange: Exchange<T>, line: Line, chunk = 1000): Move<T> {
  let move = exchange.start();
  for (let turn = 0; turn < 1000; turn++) {
    if (move.do === 'done' || move.do === 'failed') return move;
    if (move.do === 'wait') {
      move = exchange.timedOut();
      continue;
    }
    const frame = new Framer().push(move.bytes)[0]!;
    const request = decodeRequest(frame);
    if ('problem' in request) throw new Error(request.problem);
    const back = move.answerMs === 0 ? undefined : line(request, frame);
    move = { do: 'wait' };
    for (let at = 0; back !== undefined && at < back.length && move.do === 'wait'; at += chunk) {
      move = exchange.received(back.subarray(at, at + chunk));
    }
  }
  throw new Error('the exchange does not end');
}

function answer(answer: Answer, address = ADDRESS, preamble = 2): Uint8Array {
  return encodeFrame(encodeAnswer(address, answer), preamble);
}
function data(di: string, hex: string, more = false): Answer {
  const standard: Standard = di.length === 4 ? '1997' : '2007';
  return { standard, function: 'read-data', di, data: fromHex(hex)!, more };
}
const refuse = (request: Request, error: number): Uint8Array =>
  answer({ standard: request.standard, function: request.function, error, errors: [] });

describe('a read', () => {
  it('is done with the last byte, whatever the chunking, and counts the bytes that had to move', () => {
    for (const chunk of [1, 3, 100]) {
      const move = run(readItemExchange(METER, '02010100'), () => answer(data('02010100', '01 10')), chunk);
      expect(move).toMatchObject({ do: 'done', value: { values: [{ name: 'voltage L1', value: 100.1, unit: 'V' }] } });
      expect(move).toMatchObject({ wireBytes: 20 + 2 + 18 });
    }
  });

  it('passes over its echo, a neighbour, a late answer and noise, and takes the answer behind them', () => {
    const line: Line = (_, frame) =>
      concat(
        encodeFrame(frame, 4),
        Uint8Array.of(0, 0x68, 0xff),
        answer(data('02010100', '99 99'), '000000000162'),
        answer(data('02020100', '01 00 00')),
        answer(data('02010100', '01 10')),
      );
    expect(run(readItemExchange(METER, '02010100'), line)).toMatchObject({
      do: 'done',
      value: { values: [{ value: 100.1 }] },
      wireBytes: 20 + 18 + (4 + 2 + 2 + 2),
    });
  });

  it.each([
    ['no-answer', () => undefined],
    ['no-answer', (_: Request, frame: Frame) => encodeFrame(frame, 4)],
    ['wrong-address', () => answer(data('02010100', '01 10'), '000000000162')],
    ['wrong-item', () => answer(data('02020100', '01 00 00'))],
    ['wrong-item', () => answer({ standard: '2007', function: 'write-data', done: true })],
    [
      'checksum',
      () => answer(data('02010100', '01 10')).map((byte, i, all) => (i === all.length - 4 ? byte ^ 1 : byte)),
    ],
    ['incomplete', () => answer(data('02010100', '01 10')).subarray(0, -3)],
    ['garbage', () => Uint8Array.of(1, 2, 3)],
    ['bad-value', () => answer(data('02010100', '0A 10'))],
    ['no-such-data', (request: Request) => refuse(request, 0x02)],
    ['unauthorised', (request: Request) => refuse(request, 0x04)],
    ['refused', (request: Request) => refuse(request, 0x01)],
  ] as const)('fails by the name %s', (failure, line) => {
    expect(run(readItemExchange(METER, '02010100'), line)).toMatchObject({ do: 'failed', failure });
  });

  it('finds the answer behind a start whose length was damaged, when nothing more comes', () => {
    const hidden = concat(Uint8Array.of(0x68, 1, 2, 3, 4, 5, 6, 0x68, 0x91, 0xc0), answer(data('02010100', '01 10')));
    expect(run(readItemExchange(METER, '02010100'), () => hidden)).toMatchObject({ do: 'done' });
  });

  it('gives up on a line that babbles without end', () => {
    const babble = new Uint8Array(10_000).fill(0x55);
    expect(run(readItemExchange(METER, '02010100'), () => babble)).toMatchObject({ do: 'failed', failure: 'garbage' });
  });

  it('gives an item it does not know as hex', () => {
    const move = run(readItemExchange(METER, '028022ff'), () => answer(data('028022FF', '01 AB')));
    expect(move).toMatchObject({ do: 'done', value: { di: '028022FF', values: [{ value: '01AB' }] } });
  });

  it('speaks 1997 as well', () => {
    const meter = { address: ADDRESS, standard: '1997' } as const;
    const move = run(readItemExchange(meter, 'B611'), (request) => {
      expect(request).toEqual({ standard: '1997', function: 'read-data', di: 'B611' });
      return answer(data('B611', '23 02'));
    });
    expect(move).toMatchObject({ do: 'done', value: { values: [{ value: 223 }] } });
  });
});

describe('follow-on frames', () => {
  const whole = Uint8Array.from({ length: 2000 }, (_, i) => i);
  /** A meter that gives `size` bytes a frame, each frame once, and spoils the `bad`-th of them all by `spoil`. */
  function meter(size: number, bad = -1, spoil: (bytes: Uint8Array) => Uint8Array | undefined = () => undefined) {
    let at = 0;
    let sent = 0;
    const asked: number[] = [];
    const line: Line = (request) => {
      if (request.function === 'read-data') at = 0;
      const part = whole.slice(at, at + size);
      at += size;
      const more = at < whole.length;
      const sequence = request.function === 'read-next' ? request.sequence! : undefined;
      if (sequence !== undefined) asked.push(sequence);
      const common = { standard: '2007', di: '03300801', data: part, more } as const;
      const reply = answer(
        sequence === undefined ? { ...common, function: 'read-data' } : { ...common, function: 'read-next', sequence },
      );
      return sent++ === bad ? spoil(reply) : reply;
    };
    return { line, asked };
  }
  const read = (maxFrames?: number) => converse(METER, readData('2007', '03300801', undefined, maxFrames));

  it('joins them, and after 255 comes 1', () => {
    const { line, asked } = meter(7);
    expect(run(read(300), line)).toMatchObject({ do: 'done', value: whole });
    expect(asked.slice(253, 257)).toEqual([254, 255, 1, 2]);
  });

  it('begins a broken chain again once, from its first frame', () => {
    const { line, asked } = meter(180, 2);
    expect(run(read(), line)).toMatchObject({ do: 'done', value: whole });
    expect(asked).toEqual([1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('does not take a frame out of sequence', () => {
    const wrong: Line = (request) =>
      answer(
        request.function === 'read-next'
          ? {
              standard: '2007',
              function: 'read-next',
              di: '03300801',
              data: whole.slice(0, 9),
              more: false,
              sequence: 7,
            }
          : data('03300801', '01', true),
      );
    expect(run(read(), wrong)).toMatchObject({ do: 'failed', failure: 'wrong-sequence' });
  });

  it('stops at a cap when a meter never comes to an end', () => {
    const endless: Line = (request) => {
      const sequence = request.function === 'read-next' ? request.sequence! : undefined;
      const common = { standard: '2007', di: '03300801', data: Uint8Array.of(1), more: true } as const;
      return answer(
        sequence === undefined ? { ...common, function: 'read-data' } : { ...common, function: 'read-next', sequence },
      );
    };
    expect(run(read(8), endless)).toMatchObject({ do: 'failed', failure: 'bad-value' });
  });

  it('does not ask a meter on that says of every answer that there is more', () => {
    let asked = 0;
    const stuck: Line = (request) => {
      asked++;
      const common = { standard: '2007', data: Uint8Array.of(0x01, 0x22), more: true } as const;
      if (request.function === 'read-data') return answer({ ...common, function: 'read-data', di: request.di });
      if (request.function !== 'read-next') return undefined;
      return answer({ ...common, function: 'read-next', di: request.di, sequence: request.sequence! });
    };
    const read = run(readItemExchange(METER, '02010100'), stuck);
    expect(read).toMatchObject({ do: 'done', value: { values: [{ value: 220.1 }] } });
    expect(asked).toBe(1);
    expect(run(readItemExchange(METER, '0201FF00'), stuck)).toMatchObject({ do: 'failed', failure: 'bad-value' });
    expect(asked).toBeLessThan(8);
  });

  it('takes what it has where the meter says that nothing follows after all', () => {
    const line: Line = (request) =>
      request.function === 'read-data' ? answer(data('0201FF00', '01 22 02 22 03 22', true)) : refuse(request, 0x02);
    expect(run(readItemExchange(METER, '0201FF00'), line)).toMatchObject({
      do: 'done',
      value: { values: [{ value: 220.1 }, { value: 220.2 }, { value: 220.3 }] },
    });
  });
});

describe('commands', () => {
  const authority = { level: 2, password: '123456', operator: '00000001' };

  it('is done on the plain answer, refused by name on an error', () => {
    const trip = {
      standard: '2007',
      function: 'relay-control',
      authority,
      command: 'trip',
      until: '2026-12-31T00:00:00',
    } as const;
    expect(
      run(commandExchange(METER, trip), () => answer({ standard: '2007', function: 'relay-control', done: true })),
    ).toMatchObject({ do: 'done' });
    expect(run(commandExchange(METER, trip), (request) => refuse(request, 0x04))).toMatchObject({
      failure: 'unauthorised',
    });
  });

  it('expects no answer to a broadcast, nor to the time for one meter', () => {
    const time = { standard: '2007', function: 'broadcast-time', time: '2026-11-21T23:15:00' } as const;
    const freeze = { standard: '2007', function: 'freeze', when: '99999999' } as const;
    const silent = () => undefined;
    const everyone = { address: '999999999999', standard: '2007' } as const;
    expect(commandExchange(everyone, freeze).start()).toMatchObject({ do: 'send', answerMs: 0 });
    expect(run(commandExchange(everyone, freeze), silent)).toMatchObject({ do: 'done' });
    expect(run(commandExchange(METER, time), silent)).toMatchObject({ do: 'done' });
    expect(run(commandExchange(METER, freeze), silent)).toMatchObject({ do: 'failed', failure: 'no-answer' });
  });

  it('learns an address behind the wildcard, but never the wildcard itself', () => {
    const reply = (address: string, from: string) => () =>
      answer({ standard: '2007', function: 'read-address', address }, from);
    expect(run(findMeterExchange(ANYONE), reply(ADDRESS, ADDRESS))).toMatchObject({
      do: 'done',
      value: { address: ADDRESS, refused: false },
    });
    expect(run(findMeterExchange(ANYONE), reply(ADDRESS, 'AAAAAAAAAAAA'))).toMatchObject({
      do: 'done',
      value: { address: ADDRESS },
    });
    expect(run(findMeterExchange(ANYONE), reply('AAAAAAAAAAAA', 'AAAAAAAAAAAA'))).toMatchObject({
      failure: 'bad-value',
    });
  });

  it('learns a 1997 meter’s address from its answer, even from a refusal', () => {
    const anyone = { address: 'AAAAAAAAAAAA', standard: '1997' } as const;
    expect(run(findMeterExchange(anyone), () => answer(data('9010', '01 00 00 00')))).toMatchObject({
      value: { address: ADDRESS, refused: false },
    });
    expect(run(findMeterExchange(anyone), (request) => refuse(request, 0x02))).toMatchObject({
      value: { address: ADDRESS, refused: true },
    });
  });

  it('knows the AAH that fills up a short address of 1997 from a wildcard that came back', () => {
    const find = (asked: string, standard: Standard) =>
      run(findMeterExchange({ address: asked, standard }), () =>
        answer({ ...data('9010', '01 00 00 00'), standard } as Answer, 'AAAAAA123456'),
      );
    expect(find('AAAAAAAAAAAA', '1997')).toMatchObject({ value: { address: 'AAAAAA123456' } });
    expect(find('AAAAAAAAAA56', '1997')).toMatchObject({ value: { address: 'AAAAAA123456' } });
    expect(find('AAAAAA123456', '1997')).toMatchObject({ failure: 'bad-value' });
  });

  it('says who answered to a wildcard', () => {
    const read = (from: string) =>
      run(readItemExchange(ANYONE, '02010100'), () => answer(data('02010100', '01 10'), from));
    expect(read(ADDRESS)).toMatchObject({ do: 'done', value: { from: ADDRESS } });
    expect(read('AAAAAAAAAAAA')).toMatchObject({ do: 'done', value: { from: 'AAAAAAAAAAAA' } });
  });

  it('accepts a wildcard in the address of an answer', () => {
    const echoed = () => answer(data('02010100', '01 10'), 'AAAAAAAAAAAA');
    expect(run(readItemExchange(METER, '02010100'), echoed)).toMatchObject({ do: 'done' });
  });
});

describe('questions now and then', () => {
  it('reads the clock, and the date again where midnight may have come between', () => {
    const dates = ['05 20 11 26', '06 21 11 26'];
    const line: Line = (request) => {
      if (request.function !== 'read-data') return undefined;
      return answer(data(request.di, request.di === '04000101' ? dates.shift()! : '03 00 00'));
    };
    expect(run(readClockExchange(METER), line)).toMatchObject({ do: 'done', value: '2026-11-21T00:00:03' });
  });

  it('reads the last power-off and the relay', () => {
    const off = () => answer(data('03110001', '00 15 23 21 11 26 00 00 00 00 00 00'));
    expect(run(readLastEventExchange(METER, 'power-off'), off)).toMatchObject({
      value: { began: '2026-11-21T23:15:00', ended: null },
    });
    expect(run(readRelayExchange(METER), () => answer(data('04000503', '50 00')))).toMatchObject({ value: 'open' });
    expect(run(readRelayExchange(METER), () => answer(data('04000503', '00 00')))).toMatchObject({ value: 'closed' });
  });

  it('says no record, not no such data, where a load profile has none', () => {
    const none = (request: Request) => refuse(request, 0x02);
    expect(run(readProfileExchange(METER, '06010001', 4, '2026-11-21T00:00'), none)).toMatchObject({
      failure: 'no-record',
    });
    expect(run(readProfileExchange(METER, '06010002', 4), () => answer(data('06010002', '')))).toMatchObject({
      failure: 'no-record',
    });
  });
});

describe('read blocks', () => {
  const meter = { protocol: 'dlt645', ...METER } as const;
  const block = (phases: 1 | 3, name: string) => dlt645Blocks({ ...meter, phases }).find((it) => it.name === name)!;

  it('puts values into the reading in its own units', () => {
    const values: Record<string, string> = {
      '02030000': '12 25 80',
      '0202FF00': '01 00 80 02 00 00 FF FF FF',
      '00010000': '26 00 00 00',
      '0206FF00': '00 10 00 05 00 85 FF FF',
    };
    const line: Line = (request) =>
      request.function === 'read-data' ? answer(data(request.di, values[request.di]!)) : undefined;
    expect(run(block(3, 'power').exchange(), line)).toMatchObject({ value: { activePowerW: -251.2 } });
    expect(run(block(3, 'current').exchange(), line)).toMatchObject({ value: { currentA: [0.001, 0.002] } });
    expect(run(block(3, 'energy').exchange(), line)).toMatchObject({ value: { importWh: 260 } });
    expect(run(block(3, 'power-factor').exchange(), line)).toMatchObject({ value: { powerFactor: [0.5, -0.5] } });
  });

  it.each([1, 3] as const)('lets 32 meters of %i phases fit one bus of 2400 Bd', (phases) => {
    const blocks = Array.from({ length: 32 }, () => dlt645Blocks({ ...meter, phases })).flat();
    const line = { target: { kind: 'tty', path: '/dev/ttyS1' }, baud: 2400, parity: 'even', stopBits: 1 } as const;
    expect(planLoad(line, blocks, 'dlt645').load).toBeLessThan(1);
  });

  it('falls back from a block to single items, and remembers', () => {
    const asked: string[] = [];
    const line: Line = (request) => {
      if (request.function !== 'read-data') return undefined;
      asked.push(request.di);
      return request.di === '0201FF00' ? refuse(request, 0x02) : answer(data(request.di, '01 22'));
    };
    const voltage = block(3, 'voltage');
    const before = voltage.wireBytes;
    expect(run(voltage.exchange(), line)).toMatchObject({ value: { voltageV: [220.1, 220.1, 220.1] } });
    expect(voltage.wireBytes).toBeGreaterThan(before);
    expect(run(voltage.exchange(), line)).toMatchObject({ do: 'done' });
    expect(asked).toEqual(['0201FF00', '02010100', '02010200', '02010300', '02010100', '02010200', '02010300']);
  });

  it.each([
    ['refuses it for another reason', (request: Request) => refuse(request, 0x01), 1],
    ['refuses it without a reason', (request: Request) => refuse(request, 0x00), 1],
    ['is silent to what it does not know', () => undefined, 3],
  ])('falls back from a block, too, where the meter %s', (_, blocks, turns) => {
    const asked: string[] = [];
    const line: Line = (request) => {
      if (request.function !== 'read-data') return undefined;
      asked.push(request.di);
      return request.di === '0201FF00' ? blocks(request) : answer(data(request.di, '01 22'));
    };
    const voltage = block(3, 'voltage');
    for (let turn = 1; turn < turns; turn++) expect(run(voltage.exchange(), line)).toMatchObject({ do: 'failed' });
    expect(run(voltage.exchange(), line)).toMatchObject({ value: { voltageV: [220.1, 220.1, 220.1] } });
    expect(run(voltage.exchange(), line)).toMatchObject({ do: 'done' });
    expect(asked.filter((di) => di === '0201FF00')).toHaveLength(turns);
  });

  it('goes back to a block that was only lost, and does not count losses between which it answered', () => {
    const asked: string[] = [];
    let lost = 0;
    const line: Line = (request) => {
      if (request.function !== 'read-data') return undefined;
      asked.push(request.di);
      if (request.di !== '0201FF00') return answer(data(request.di, '01 22'));
      return lost-- > 0 ? undefined : answer(data(request.di, '01 22 02 22 03 22'));
    };
    const voltage = block(3, 'voltage');
    for (let turn = 0; turn < 20; turn++) {
      lost = 1;
      run(voltage.exchange(), line);
      run(voltage.exchange(), line);
    }
    expect(new Set(asked)).toEqual(new Set(['0201FF00']));
    const before = voltage.wireBytes;
    lost = 3;
    for (let turn = 0; turn < 3; turn++) run(voltage.exchange(), line);
    expect(voltage.wireBytes).toBeGreaterThan(before);
    for (let turn = 0; turn < 100; turn++) expect(run(voltage.exchange(), line)).toMatchObject({ do: 'done' });
    expect(voltage.wireBytes).toBe(before);
  });

  it('costs a dead meter hardly more than one deadline a turn', () => {
    const asked: string[] = [];
    const dead: Line = (request) => {
      if (request.function === 'read-data') asked.push(request.di);
      return undefined;
    };
    const voltage = block(3, 'voltage');
    for (let turn = 0; turn < 100; turn++)
      expect(run(voltage.exchange(), dead)).toMatchObject({ failure: 'no-answer' });
    expect(asked.length).toBe(110);
  });

  it('does not fall back because of noise, and says no-such-data where there is neither', () => {
    const voltage = block(3, 'voltage');
    expect(run(voltage.exchange(), () => undefined)).toMatchObject({ failure: 'no-answer' });
    expect(run(voltage.exchange(), (request) => refuse(request, 0x02))).toMatchObject({ failure: 'no-such-data' });
    expect(run(voltage.exchange(), () => answer(data('0201FF00', '01 22 02 22 03 22')))).toMatchObject({
      value: { voltageV: [220.1, 220.2, 220.3] },
    });
  });
});

describe('what an exchange says of its failure', () => {
  const detail = (line: Line, exchange = readItemExchange(METER, '02010100') as Exchange<unknown>) => {
    const move = run(exchange, line);
    return move.do === 'failed' ? `${move.failure}: ${move.detail}` : move.do;
  };
  const good = () => answer(data('02010100', '01 10'));

  it.each<[string, Line]>([
    ['no-answer: nothing came back', () => undefined],
    ['no-answer: only our own request came back', (_, frame) => encodeFrame(frame, 4)],
    ['wrong-address: 000000000162 answered', () => answer(data('02010100', '01 10'), '000000000162')],
    ['wrong-item: asked 02010100, answered 02020100', () => answer(data('02020100', '01 00 00'))],
    [
      'wrong-item: asked read-data, answered write-data',
      () => answer({ standard: '2007', function: 'write-data', done: true }),
    ],
    ['checksum: a frame came with a wrong checksum', () => good().with(good().length - 2, good().at(-2)! ^ 1)],
    ['incomplete: a frame began and did not end', () => good().subarray(0, -3)],
    ['garbage: 3 bytes came that are no frame', () => Uint8Array.of(1, 2, 3)],
    [
      'bad-value: read-address with 2 bytes of data',
      () => encodeFrame({ address: ADDRESS, control: 0x93, data: Uint8Array.of(1, 2) }),
    ],
    ['no-such-data: no-such-data', (request) => refuse(request, 0x02)],
    ['unauthorised: no-such-data, unauthorised', (request) => refuse(request, 0x06)],
    [
      'refused: an error without a reason',
      () => encodeFrame({ address: ADDRESS, control: 0xd1, data: new Uint8Array() }),
    ],
  ])('is %s', (told, line) => {
    expect(detail(line)).toBe(told);
  });

  it('is the first thing that was heard, where more than one was no answer', () => {
    const both = concat(answer(data('02010100', '01 10'), '000000000162'), answer(data('02020100', '01 00 00')));
    expect(detail(() => both)).toBe('wrong-address: 000000000162 answered');
  });

  it('is babble at once when more than four thousand bytes were no answer, not only at the deadline', () => {
    const exchange = readItemExchange(METER, '02010100');
    exchange.start();
    expect(exchange.received(new Uint8Array(4096).fill(0x55))).toEqual({ do: 'wait' });
    expect(exchange.received(Uint8Array.of(0x55))).toEqual({
      ...{ do: 'failed', failure: 'garbage', detail: 'bytes without end and no answer in them' },
    });
  });

  it('is that the other standard answered', () => {
    // 03H without an identifier 07xxxxxx is read-again of 1997.
    const security = commandExchange(METER, {
      ...{ standard: '2007', function: 'security', di: '078000FF', operator: '00000001', data: Uint8Array.of(1) },
    } as const);
    const other = () =>
      answer({ standard: '1997', function: 'read-again', di: '9010', data: Uint8Array.of(1), more: false });
    expect(detail(other, security)).toBe('wrong-item: asked security, answered read-again');
  });

  it('waits before it was started, and as long as the meter was given', () => {
    const exchange = readItemExchange(METER, '02010100');
    expect([exchange.received(good()), exchange.timedOut()]).toEqual([{ do: 'wait' }, { do: 'wait' }]);
    expect(exchange.start()).toMatchObject({ answerMs: 700, gapMs: 500 });
    expect(readItemExchange({ ...METER, answerMs: 1500 }, '02010100').start()).toMatchObject({
      ...{ answerMs: 1500, gapMs: 500 },
    });
  });

  it('is not what is left of the answer before it', () => {
    // A byte that hung on the answer to the first frame of a chain is no beginning of the answer to the second.
    const line: Line = (request) =>
      request.function === 'read-data'
        ? concat(answer(data('0201FF00', '01 22 02 22', true)), Uint8Array.of(0x68, 0x61))
        : answer({
            ...{ standard: '2007', function: 'read-next', di: '0201FF00', data: fromHex('03 22')!, more: false },
            sequence: 1,
          } as const);
    expect(run(readItemExchange(METER, '0201FF00'), line)).toMatchObject({
      value: { values: [{ value: 220.1 }, { value: 220.2 }, { value: 220.3 }] },
    });
  });
});

describe('what is asked for', () => {
  it('of a load profile is one record, but where it needs a time; of an unknown item is hex by the name data', () => {
    const asked = (di: string) => {
      let extra: Uint8Array | undefined;
      run(readItemExchange(METER, di), (request) => {
        extra = request.function === 'read-data' ? request.extra : undefined;
        return refuse(request, 0x02);
      });
      return extra;
    };
    expect(asked('06010002')).toEqual(Uint8Array.of(1));
    expect(asked('06010000')).toEqual(Uint8Array.of(1));
    expect(asked('06010001')).toBeUndefined();
    expect(asked('02010100')).toBeUndefined();
    const unknown = run(readItemExchange(METER, '028022ff'), () => answer(data('028022FF', '01 AB')));
    expect(unknown).toMatchObject({ value: { values: [{ name: 'data', value: '01AB', unit: '' }] } });
    expect(run(readItemExchange(METER, '028022ff'), () => undefined)).toMatchObject({ failure: 'no-answer' });
    expect(() => readProfileExchange(METER, '06990001', 1)).toThrow(new RangeError('no load profile: 06990001'));
  });

  it('that is refused is no record only of a profile, and only where the meter has no data', () => {
    const refused = (di: string, error: number) =>
      run(readItemExchange(METER, di), (request) => refuse(request, error));
    expect(refused('06010002', 0x02)).toMatchObject({ failure: 'no-record' });
    expect(refused('06010002', 0x04)).toMatchObject({ failure: 'unauthorised' });
    expect(refused('02010100', 0x02)).toMatchObject({ failure: 'no-such-data' });
  });

  it('of a 1997 meter in follow-on frames has no sequence', () => {
    const meter = { address: ADDRESS, standard: '1997' } as const;
    const asked: Request[] = [];
    const read = run(converse(meter, readData('1997', '9010')), (request) => {
      asked.push(request);
      const common = { standard: '1997', di: '9010', data: Uint8Array.of(asked.length) } as const;
      return request.function === 'read-data'
        ? answer({ ...common, function: 'read-data', more: true })
        : answer({ ...common, function: 'read-next', more: false });
    });
    expect(read).toMatchObject({ do: 'done', value: Uint8Array.of(1, 2) });
    expect(asked[1]).toEqual({ standard: '1997', function: 'read-next', di: '9010' });
  });

  it('is asked no further once it has all there can be, to the byte', () => {
    const asked: string[] = [];
    const endless: Line = (request) => {
      asked.push(request.function);
      const common = { standard: '2007', di: '03300801', data: Uint8Array.of(1, 2), more: true } as const;
      return request.function === 'read-data'
        ? answer({ ...common, function: 'read-data' })
        : answer({
            ...common,
            function: 'read-next',
            sequence: request.function === 'read-next' ? request.sequence! : 0,
          });
    };
    const most = (bytes: number) => {
      asked.length = 0;
      const move = run(converse(METER, readData('2007', '03300801', undefined, 9, bytes)), endless);
      return [move.do === 'done' ? move.value.length : move, asked.length];
    };
    expect([most(2), most(3), most(4), most(5)]).toEqual([
      [2, 1],
      [4, 2],
      [4, 2],
      [6, 3],
    ]);
    // A chain without end is not begun a second time.
    asked.length = 0;
    const capped = run(converse(METER, readData('2007', '03300801', undefined, 3)), endless);
    expect(capped).toMatchObject({ failure: 'bad-value', detail: '03300801: more than 3 frames' });
    expect(asked).toHaveLength(3);
  });

  it('is answered by the broadcast itself where nobody answers', () => {
    const time = { standard: '2007', function: 'broadcast-time', time: '2026-11-21T23:15:00' } as const;
    expect(run(commandExchange(METER, time), () => undefined)).toMatchObject({
      value: { standard: '2007', function: 'broadcast-time', done: true, from: ADDRESS },
    });
  });

  it('says who refused a question to anyone, by whole addresses only', () => {
    const find = (standard: Standard, from: string) =>
      run(findMeterExchange({ address: 'AAAAAAAAAAAA', standard }), (request) =>
        encodeFrame(
          encodeAnswer(from, { standard: request.standard, function: request.function, error: 1, errors: [] }),
        ),
      );
    expect(find('2007', '000000000162')).toMatchObject({ value: { address: '000000000162', refused: true } });
    expect(find('2007', 'AAAAAA000162')).toMatchObject({ failure: 'bad-value', detail: 'AAAAAA000162 is no address' });
    // 1997 fills up a short address.
    expect(find('1997', 'AAAAAA000162')).toMatchObject({ value: { address: 'AAAAAA000162' } });
    expect(find('1997', '00AAAA000162')).toMatchObject({ failure: 'bad-value' });
    expect(find('1997', 'AAAAAAAAAAAA')).toMatchObject({ failure: 'bad-value' });
  });
});
