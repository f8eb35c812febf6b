/** The message as a plain object, `type` beside its fields (schema/). Throws an Error that says what is wrong. */
export function decode(topic: string, payload: Uint8Array): Record<string, unknown> & { type: string };
