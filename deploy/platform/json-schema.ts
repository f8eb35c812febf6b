/** JSON Schema (2020-12) of each message as JSON carries it, and as the decoder gives it back from CBOR. */
import { type Field, type Fields, MESSAGES, WIRE_VERSION } from '../../firmware/uplink/wire-fields.ts';

type Schema = Record<string, unknown>;

export function jsonSchemas(): Record<keyof typeof MESSAGES, Schema> {
  const made = Object.entries(MESSAGES).map(([name, fields]) => [name, messageSchema(name, fields)]);
  return Object.fromEntries(made) as Record<keyof typeof MESSAGES, Schema>;
}

function messageSchema(name: string, fields: Fields): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: name,
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, fieldSchema(field)])),
    required: Object.entries(fields).flatMap(([key, field]) => (field.optional ? [] : [key])),
    // A later version adds fields; a reader skips what it does not know.
    additionalProperties: true,
  };
}

function fieldSchema(field: Field): Schema {
  return { description: field.means, ...typeSchema(field) };
}

function typeSchema(field: Field): Schema {
  switch (field.type) {
    case 'version':
      return { const: WIRE_VERSION };
    case 'uint':
      return { type: 'integer', minimum: 0 };
    case 'time':
      return { type: 'integer', minimum: 0, $comment: 'epoch milliseconds UTC' };
    case 'before':
      return { type: 'integer', $comment: 'epoch milliseconds UTC' };
    case 'text':
      return { type: 'string', maxLength: field.max };
    case 'texts':
      return { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: field.max };
    case 'id':
    case 'meter':
      return { type: 'string', minLength: 1, maxLength: 64 };
    case 'word':
      return { enum: field.words };
    case 'words':
      return { type: 'array', items: { enum: field.words }, maxItems: 8 };
    case 'permille':
      return { type: 'number', minimum: 0, maximum: 1 };
    case 'evidence':
      return {
        type: 'object',
        maxProperties: 20,
        propertyNames: { maxLength: 64 },
        additionalProperties: { type: ['number', 'string', 'boolean'], maxLength: 128 },
      };
    case 'receipts':
      return {
        type: 'array',
        maxItems: field.max,
        items: {
          type: 'array',
          prefixItems: [
            { type: 'integer', minimum: 0 },
            { type: 'string', maxLength: 128 },
          ],
          minItems: 2,
          maxItems: 2,
        },
      };
    case 'number':
      return { type: 'number' };
    case 'flag':
      return { type: 'boolean' };
    case 'any':
      return {};
    default:
      return field satisfies never;
  }
}

/** The body of a command, that a JWS signs. */
export const commandSchema: Schema = {
  title: 'command',
  type: 'object',
  properties: {
    v: { const: 1 },
    id: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'the answer carries the same' },
    gateway: { type: 'string', maxLength: 64 },
    op: { type: 'string', description: 'one of the operations' },
    args: { type: 'object' },
    counter: { type: 'integer', minimum: 0, description: 'grows with every command of the same key' },
    notBefore: { type: 'integer', description: 'epoch milliseconds UTC' },
    notAfter: { type: 'integer', description: 'epoch milliseconds UTC, at most five minutes after notBefore' },
  },
  required: ['v', 'id', 'gateway', 'op', 'args', 'counter', 'notBefore', 'notAfter'],
  additionalProperties: false,
};
