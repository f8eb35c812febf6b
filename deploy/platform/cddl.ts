/** The same messages as they stand in CBOR, in CDDL (RFC 8610). */
import { ALERT_HEAD, EVIDENCE, type Field, MESSAGES, WIRE_VERSION } from '../../firmware/uplink/wire-fields.ts';

export function cddl(): string {
  const messages = Object.entries(MESSAGES).map(([name, fields]) => {
    const keyed = Object.entries<Field>(fields).filter(([, { key }]) => key !== undefined);
    const lines = keyed.map(([key, field]) => {
      const spare = name === 'alert' && key in ALERT_HEAD.bits;
      const optional = spare || field.optional || field.type === 'version' ? '? ' : '';
      const where = spare ? `; ${key}, where the head cannot hold it` : `; ${key}: ${field.means}`;
      return `  ${optional}${field.key} => ${spare ? 'tstr' : typeOf(field)}, ${where}`;
    });
    if (name === 'alert') lines.push(`  ${ALERT_HEAD.key} => head,`);
    return `${name} = {\n${lines.join('\n')}\n  * uint => any\n}\n`;
  });
  return [
    `; Messages of version ${WIRE_VERSION}. Keys are for ever; a reader skips those it does not know.\n`,
    ...messages,
    ...headLines(),
    'hex48 = bstr .size 6 ; twelve hex digits',
    'bcd48 = bstr .size 6 ; twelve decimal digits',
    'decimal = #6.4([exponent: nint, mantissa: int]) ; RFC 8949, 3.4.4',
    'figure = int / float / decimal / tstr / bool',
    'evidence = { * (uint / tstr) => figure } / [ * (figure / null) ] ; names by position, in an array without keys:',
    ...EVIDENCE.map(({ name, words, scale }, key) => {
      const how = words?.join(', ') ?? (scale === undefined ? undefined : `an int counts 1/${scale}`);
      return `;   ${key} ${name}${how === undefined ? '' : `: ${how}`}`;
    }),
    '',
  ].join('\n');
}

/** What the bits of an alert's head say. */
function headLines(): string[] {
  const bits = Object.entries(ALERT_HEAD.bits);
  const bytes = bits.reduce((sum, [, width]) => sum + width, 0) / 8;
  const fields: Record<string, Field> = MESSAGES.alert;
  return [
    `head = bstr .size ${bytes} ; big-endian, from the highest bit on:`,
    ...bits.map(([name, width]) => {
      const field = fields[name];
      return `;   ${width} bits ${name}: ${field?.means ?? ''}${field === undefined ? '' : howOf(field)}`;
    }),
    '',
  ];
}

function howOf(field: Field): string {
  switch (field.type) {
    case 'word':
      return `; ${field.words.map((word, n) => `${n} ${word}`).join(', ')}`;
    case 'words':
      return `; bit n for word n: ${field.words.join(', ')}`;
    case 'time':
      return '; epoch milliseconds UTC';
    case 'permille':
      return '; in thousandths';
    case 'id':
      return '; twelve hex digits, 0: see its key';
    case 'meter':
      return '; twelve decimal digits in BCD, 0: see its key';
    default:
      return '';
  }
}

function typeOf(field: Field): string {
  switch (field.type) {
    case 'version':
      return String(WIRE_VERSION);
    case 'uint':
    case 'time':
    case 'permille':
      return 'uint';
    case 'before':
      return 'int';
    case 'text':
      return `tstr .size (0..${field.max * 3})`;
    case 'texts':
      return '[* tstr]';
    case 'id':
      return 'hex48 / tstr';
    case 'meter':
      return 'bcd48 / tstr';
    case 'word':
      return `0..${field.words.length - 1}`;
    case 'words':
      return `0..${2 ** field.words.length - 1}`;
    case 'evidence':
      return 'evidence';
    case 'receipts':
      return '[* [uint, hex48 / tstr]]';
    case 'number':
      return 'int / float / decimal';
    case 'flag':
      return 'bool';
    case 'any':
      return 'any';
    default:
      return field satisfies never;
  }
}
