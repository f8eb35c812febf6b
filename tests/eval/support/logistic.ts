/** Logistic regression by Newton's method, with a ridge on all weights but the bias. */
export interface Logistic {
  bias: number;
  weights: number[];
}

export function fitLogistic(rows: readonly number[][], labels: readonly number[], ridge = 1): Logistic {
  const size = (rows[0]?.length ?? 0) + 1;
  let weights = new Float64Array(size);
  for (let round = 0; round < 25; round++) {
    const matrix = Array.from({ length: size }, () => new Float64Array(size + 1));
    rows.forEach((row, n) => {
      const x = [1, ...row];
      const p = 1 / (1 + Math.exp(-x.reduce((sum, value, k) => sum + value * weights[k]!, 0)));
      for (let j = 0; j < size; j++) {
        matrix[j]![size]! += (labels[n]! - p) * x[j]!;
        for (let k = 0; k < size; k++) matrix[j]![k]! += (p * (1 - p) + 1e-6) * x[j]! * x[k]!;
      }
    });
    for (let j = 1; j < size; j++) {
      matrix[j]![size]! -= ridge * weights[j]!;
      matrix[j]![j]! += ridge;
    }
    const step = solve(matrix);
    weights = weights.map((value, k) => value + step[k]!);
    if (step.every((value) => Math.abs(value) < 1e-9)) break;
  }
  return { bias: weights[0]!, weights: [...weights.subarray(1)] };
}

/** Gauss–Jordan with pivoting on `[A | b]`. */
function solve(matrix: Float64Array[]): number[] {
  const size = matrix.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(matrix[row]![column]!) > Math.abs(matrix[pivot]![column]!)) pivot = row;
    }
    [matrix[column], matrix[pivot]] = [matrix[pivot]!, matrix[column]!];
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = matrix[row]![column]! / matrix[column]![column]!;
      for (let k = column; k <= size; k++) matrix[row]![k]! -= factor * matrix[column]![k]!;
    }
  }
  return matrix.map((row, k) => row[size]! / row[k]!);
}
