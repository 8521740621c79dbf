import asn1 from 'asn1.js';
import BN from 'bn.js';
export const main = () => {
  const Human = asn1.define('Human', function () {
    this.seq().obj(this.key('name').octstr(), this.key('age').int(), this.key('kind').enum({ 0: 'a', 1: 'b' }));
  });
  const bytes = Human.encode({ name: 'Ada', age: new BN('123456789012345678901234567890'), kind: 'b' }, 'der');
  const human = Human.decode(bytes, 'der');
  return [[...bytes], human.name.toString(), human.age.toString(10), human.kind];
};
