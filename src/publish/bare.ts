/**
 * Records with nothing inherited, whose names come from outside. Instances share hidden classes; what `Object.create(null)` makes is a hash table each
 * time, slower to make, to read and to write as JSON.
 */
function Bare() {}
Bare.prototype = Object.create(null);
const BareRecord = Bare as unknown as new () => Record<string, never>;

export function bareRecord<T>(): Record<string, T> {
  return new BareRecord();
}
