import * as openpgp from 'openpgp';
export async function main() {
  const m = await openpgp.createMessage({ text: 'hello' });
  const enc = await openpgp.encrypt({ message: m, passwords: ['pw'], config: { s2kIterationCountByte: 0 } });
  const d = await openpgp.decrypt({ message: await openpgp.readMessage({ armoredMessage: enc }), passwords: ['pw'] });
  const { privateKey, publicKey } = await openpgp.generateKey({
    userIDs: [{ name: 'N' }],
    type: 'curve25519',
    format: 'object',
  });
  const s = await openpgp.sign({ message: await openpgp.createMessage({ text: 'x' }), signingKeys: privateKey });
  const v = await openpgp.verify({ message: await openpgp.readMessage({ armoredMessage: s }), verificationKeys: publicKey });
  return [d.data, await v.signatures[0].verified];
}
