/**
 * The control byte (clause 5.2.4): D7 says who speaks, D6 an abnormal answer, D5 that more follows, D4…D0 the function.
 * So a plain answer is +80H, one with more to come +A0H, an error +C0H.
 */

export type Standard = '2007' | '1997';

/**
 * What a frame is about, the same word for the request and all of its answers. `dangerous`: it changes what the meter
 * counts, obeys or is called, so a person has to ask for it explicitly. Time and freeze do not.
 */
export const FUNCTIONS = {
  '2007': {
    3: { name: 'security', zh: '安全认证', dangerous: true },
    8: { name: 'broadcast-time', zh: '广播校时' },
    17: { name: 'read-data', zh: '读数据' },
    18: { name: 'read-next', zh: '读后续数据' },
    19: { name: 'read-address', zh: '读通信地址' },
    20: { name: 'write-data', zh: '写数据', dangerous: true },
    21: { name: 'write-address', zh: '写通信地址', dangerous: true },
    22: { name: 'freeze', zh: '冻结命令' },
    23: { name: 'change-baud', zh: '更改通信速率', dangerous: true },
    24: { name: 'change-password', zh: '修改密码', dangerous: true },
    25: { name: 'clear-demand', zh: '最大需量清零', dangerous: true },
    26: { name: 'clear-meter', zh: '电表清零', dangerous: true },
    27: { name: 'clear-events', zh: '事件清零', dangerous: true },
    28: { name: 'relay-control', zh: '跳合闸、报警、保电', dangerous: true },
    29: { name: 'terminal-output', zh: '多功能端子输出控制' },
  },
  '1997': {
    1: { name: 'read-data', zh: '读数据' },
    2: { name: 'read-next', zh: '读后续数据' },
    3: { name: 'read-again', zh: '重读数据' },
    4: { name: 'write-data', zh: '写数据', dangerous: true },
    8: { name: 'broadcast-time', zh: '广播校时' },
    10: { name: 'write-address', zh: '写设备地址', dangerous: true },
    12: { name: 'change-baud', zh: '更改通信速率', dangerous: true },
    15: { name: 'change-password', zh: '修改密码', dangerous: true },
    16: { name: 'clear-demand', zh: '最大需量清零', dangerous: true },
  },
} as const satisfies Record<Standard, Record<number, { name: string; zh: string; dangerous?: true }>>;

type Functions = typeof FUNCTIONS;
export type FunctionName2007 = Functions['2007'][keyof Functions['2007']]['name'];
export type FunctionName1997 = Functions['1997'][keyof Functions['1997']]['name'];
export type FunctionName = FunctionName2007 | FunctionName1997;

export interface Control {
  direction: 'request' | 'response';
  /** D6: the meter could not do it; the data field holds ERR. */
  abnormal: boolean;
  /** D5: another frame follows, asked for with read-next. */
  more: boolean;
  /** D4…D0. */
  code: number;
}

export function decodeControl(control: number): Control {
  return {
    direction: control & 0x80 ? 'response' : 'request',
    abnormal: (control & 0x40) !== 0,
    more: (control & 0x20) !== 0,
    code: control & 0x1f,
  };
}

export function encodeControl(control: Control): number {
  const direction = control.direction === 'response' ? 0x80 : 0;
  return direction | (control.abnormal ? 0x40 : 0) | (control.more ? 0x20 : 0) | control.code;
}

/** The function's name, or undefined for a code the standard leaves free (vendors use 00H). */
export function functionName(standard: Standard, code: number): FunctionName | undefined {
  const table: Record<number, { name: FunctionName }> = FUNCTIONS[standard];
  return table[code]?.name;
}

/** Whether a person has to ask for this function explicitly; see `FUNCTIONS`. */
export function isDangerous(name: FunctionName): boolean {
  const rows = [...Object.values(FUNCTIONS['2007']), ...Object.values(FUNCTIONS['1997'])];
  return rows.some((row) => row.name === name && 'dangerous' in row);
}

/** The code of a function. @throws RangeError where the standard does not have it */
export function functionCode(standard: Standard, name: FunctionName): number {
  for (const [code, row] of Object.entries(FUNCTIONS[standard])) if (row.name === name) return Number(code);
  throw new RangeError(`${name} is not in DL/T 645-${standard}`);
}

/**
 * Which standard a frame follows; undefined for a vendor's own function. Codes are disjoint but for 03H and 08H. 03H is
 * security in 2007, always with an identifier 07xxxxxxH and an error word of two bytes, and read-again in 1997; 08H is the
 * same in both and called 2007 here.
 */
export function standardOf(control: number, data: Uint8Array): Standard | undefined {
  const { abnormal, code } = decodeControl(control);
  if (code === 0x03) return (abnormal ? data.length === 2 : data[3] === 0x07) ? '2007' : '1997';
  if (functionName('2007', code) !== undefined) return '2007';
  return functionName('1997', code) === undefined ? undefined : '1997';
}

/** Bits of the error byte ERR, D0 first (2007: 5.2.5, 1997: 6.2); several may stand at once. */
export const ERR_BITS = {
  '2007': [
    'other',
    'no-such-data',
    'unauthorised',
    'baud-not-changeable',
    'too-many-year-zones',
    'too-many-day-periods',
    'too-many-tariffs',
    'reserved',
  ],
  '1997': [
    'illegal-data',
    'no-such-data',
    'unauthorised',
    'reserved-3',
    'too-many-year-zones',
    'too-many-day-periods',
    'too-many-tariffs',
    'reserved',
  ],
} as const satisfies Record<Standard, readonly string[]>;

/** Bits of SERR, the 16-bit error word of security (03H) in 2007, D0 first. */
export const SERR_BITS = [
  'other',
  'repeated-recharge',
  'esam-failed',
  'authentication-failed',
  'customer-number-mismatch',
  'recharge-count-wrong',
  'over-hoarding',
] as const;

/** The names of the bits that are set, lowest first; bits without a name come as `bit-N`. */
export function bitNames(word: number, names: readonly string[], bits = 8): string[] {
  const set: string[] = [];
  for (let bit = 0; bit < bits; bit++) if (word & (1 << bit)) set.push(names[bit] ?? `bit-${bit}`);
  return set;
}

/** What the data field of an abnormal answer says, by name; an empty field says nothing. */
export function errorNames(standard: Standard, code: number, data: Uint8Array): string[] {
  if (standard === '2007' && code === 0x03 && data.length >= 2) {
    return bitNames(data[0]! | (data[1]! << 8), SERR_BITS, 16);
  }
  return data.length === 0 ? [] : bitNames(data[0]!, ERR_BITS[standard]);
}
