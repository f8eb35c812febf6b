export const MESSAGES: Readonly<Record<string, Readonly<Record<string, { key: number; type: string }>>>>;
export const EVIDENCE: readonly { name: string; words?: readonly string[]; scale?: number }[];
