/** What the page uses of uPlot; the file itself is served from the package. */
export default class uPlot {
  constructor(options: object, data: number[][], host: HTMLElement);
  static paths: { bars(options: object): unknown };
}
