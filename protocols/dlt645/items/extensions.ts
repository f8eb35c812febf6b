/** What the State Grid's specifications (Q/GDW 1354 and later) put beside the standard, and prepaid meters have. */
import type { Row } from './row.ts';

const COUNT = { unit: '', format: 'NNNNNN' } as const;
const TIME = { unit: '', format: 'YYMMDDhhmmss' } as const;

export const EXTENSIONS = [
  { di: '1D000001', en: 'trip count', zh: '跳闸次数', ...COUNT },
  { di: '1D0001NN', en: 'trip at{NN}', zh: '{NN}跳闸发生时刻', ...TIME },
  { di: '1E000001', en: 'close count', zh: '合闸次数', ...COUNT },
  { di: '1E0001NN', en: 'close at{NN}', zh: '{NN}合闸发生时刻', ...TIME },
  // Counts by phase; the identifiers of these four are in agreement everywhere, those up to 1CH are not.
  { di: '10PP0001', en: 'voltage loss count {PP}', zh: '{PP}失压总次数', ...COUNT },
  { di: '11PP0001', en: 'undervoltage count {PP}', zh: '{PP}欠压总次数', ...COUNT },
  { di: '12PP0001', en: 'overvoltage count {PP}', zh: '{PP}过压总次数', ...COUNT },
  { di: '13PP0001', en: 'phase break count {PP}', zh: '{PP}断相总次数', ...COUNT },
] as const satisfies readonly Row[];
