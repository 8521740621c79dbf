// SPDX-License-Identifier: Apache-2.0
// RSASSA-PKCS1-v1_5, RSA-PSS, RSA-OAEP, with the keys and results of RFC 7520.
const { subtle } = crypto;

const bilbo = {
  kty: 'RSA', use: 'sig', e: 'AQAB',
  n: 'n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw',
  d: 'bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwMSMkK1J3XTGgdrhCku9gRldY7sNA_AKZGh-Q661_42rINLRCe8W-nZ34ui_qOfkLnK9QWDDqpaIsA-bMwWWSDFu2MUBYwkHTMEzLYGqOe04noqeq1hExBTHBOBdkMXiuFhUq1BU6l-DqEiWxqg82sXt2h-LMnT3046AOYJoRioz75tSUQfGCshWTBnP5uDjd18kKhyv07lhfSJdrPdM5Plyl21hsFf4L_mHCuoFau7gdsPfHPxxjVOcOpBrQzwQ',
  p: '3Slxg_DwTXJcb6095RoXygQCAZ5RnAvZlno1yhHtnUex_fp7AZ_9nRaO7HX_-SFfGQeutao2TDjDAWU4Vupk8rw9JR0AzZ0N2fvuIAmr_WCsmGpeNqQnev1T7IyEsnh8UMt-n5CafhkikzhEsrmndH6LxOrvRJlsPp6Zv8bUq0k',
  q: 'uKE2dh-cTf6ERF4k4e_jy78GfPYUIaUyoSSJuBzp3Cubk3OCqs6grT8bR_cu0Dm1MZwWmtdqDyI95HrUeq3MP15vMMON8lHTeZu2lmKvwqW7anV5UzhM1iZ7z4yMkuUwFWoBvyY898EXvRD-hdqRxHlSqAZ192zB3pVFJ0s7pFc',
  dp: 'B8PVvXkvJrj2L-GYQ7v3y9r6Kw5g9SahXBwsWUzp19TVlgI-YV85q1NIb1rxQtD-IsXXR3-TanevuRPRt5OBOdiMGQp8pbt26gljYfKU_E9xn-RULHz0-ed9E9gXLKD4VGngpz-PfQ_q29pk5xWHoJp009Qf1HvChixRX59ehik',
  dq: 'CLDmDGduhylc9o7r84rEUVn7pzQ6PF83Y-iBZx5NT-TpnOZKF1pErAMVeKzFEl41DlHHqqBLSM0W1sOFbwTxYWZDm6sI6og5iTbwQGIC3gnJKbi_7k_vJgGHwHxgPaX2PnvP-zyEkDERuf-ry4c_Z11Cq9AqC2yeL6kdKT1cYF8',
  qi: '3PiqvXQN0zwMeE-sBvZgi289XP9XCQF3VWqPzMKnIgQp7_Tugo6-NZBKCQsMf3HaEGBjTVJs_jcK8-TRXvaKe-7ZMaQj8VfBdYkssbu0NKDDhjJ-GtiseaDVWt7dcH0cfwxgFUHpQh7FoCrjFJ6h6ZEpMF6xmujs4qMpPz8aaI4',
};
const { kty, n, e, use } = bilbo;
const bilbosPublic = { kty, n, e, use };
const payload = 'SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4';

promise_test(async (context) => {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const data = ascii(`eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.${payload}`);
  const signature = base64url('MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg');
  const signer = await subtle.importKey('jwk', { ...bilbo, alg: 'RS256' }, algorithm, true, ['sign']);
  assert_equals(signer.algorithm.modulusLength, 2048);
  assert_array_equals(signer.algorithm.publicExponent, [1, 0, 1]);
  assert_true(signer.algorithm.publicExponent instanceof Uint8Array);
  assert_object_equals(signer.algorithm.hash, { name: 'SHA-256' });
  assert_equals(hex(await subtle.sign('RSASSA-PKCS1-v1_5', signer, data)), hex(signature));
  const verifier = await subtle.importKey('jwk', bilbosPublic, algorithm, true, ['verify']);
  assert_true(await subtle.verify('rsassa-pkcs1-V1_5', verifier, signature, data));
  assert_false(await subtle.verify('RSASSA-PKCS1-v1_5', verifier, signature, data.subarray(1)));
  assert_false(await subtle.verify('RSASSA-PKCS1-v1_5', verifier, signature.subarray(1), data));
  assert_false(await subtle.verify('RSASSA-PKCS1-v1_5', verifier, new Uint8Array(0), data));
  await rejects(context, 'InvalidAccessError', subtle.sign('RSASSA-PKCS1-v1_5', verifier, data));
  await rejects(context, 'InvalidAccessError', subtle.verify('RSASSA-PKCS1-v1_5', signer, signature, data));
  await rejects(context, 'InvalidAccessError', subtle.verify({ name: 'RSA-PSS', saltLength: 0 }, verifier, signature, data));
}, 'RSASSA-PKCS1-v1_5 of RFC 7520, 4.1');

promise_test(async (context) => {
  const algorithm = { name: 'RSA-PSS', hash: 'SHA-384' };
  const data = ascii(`eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.${payload}`);
  const signature = base64url('cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw');
  const verifier = await subtle.importKey('jwk', { ...bilbosPublic, alg: 'PS384' }, algorithm, true, ['verify']);
  assert_true(await subtle.verify({ name: 'RSA-PSS', saltLength: 48 }, verifier, signature, data));
  assert_false(await subtle.verify({ name: 'RSA-PSS', saltLength: 32 }, verifier, signature, data));
  assert_false(await subtle.verify({ name: 'RSA-PSS', saltLength: 48 }, verifier, signature, data.subarray(1)));
  const signer = await subtle.importKey('jwk', bilbo, algorithm, true, ['sign']);
  const made = new Set();
  for (const saltLength of [0, 1, 48, 48, 206]) {
    const another = await subtle.sign({ name: 'RSA-PSS', saltLength }, signer, data);
    assert_true(await subtle.verify({ name: 'RSA-PSS', saltLength }, verifier, another, data));
    made.add(hex(another));
  }
  assert_equals(made.size, 5);
  for (const saltLength of [207, 2 ** 31, 2 ** 32 - 1]) {
    await rejects(context, 'OperationError', subtle.sign({ name: 'RSA-PSS', saltLength }, signer, data));
    assert_false(await subtle.verify({ name: 'RSA-PSS', saltLength }, verifier, signature, data));
  }
  await promise_rejects_js(context, TypeError, subtle.sign({ name: 'RSA-PSS' }, signer, data));
  await promise_rejects_js(context, TypeError, subtle.sign({ name: 'RSA-PSS', saltLength: -1 }, signer, data));
}, 'RSA-PSS of RFC 7520, 4.2');

promise_test(async (context) => {
  const samwise = {
    kty: 'RSA', use: 'enc', alg: 'RSA-OAEP', e: 'AQAB',
    n: 'wbdxI55VaanZXPY29Lg5hdmv2XhvqAhoxUkanfzf2-5zVUxa6prHRrI4pP1AhoqJRlZfYtWWd5mmHRG2pAHIlh0ySJ9wi0BioZBl1XP2e-C-FyXJGcTy0HdKQWlrfhTm42EW7Vv04r4gfao6uxjLGwfpGrZLarohiWCPnkNrg71S2CuNZSQBIPGjXfkmIy2tl_VWgGnL22GplyXj5YlBLdxXp3XeStsqo571utNfoUTU8E4qdzJ3U1DItoVkPGsMwlmmnJiwA7sXRItBCivR4M5qnZtdw-7v4WuR4779ubDuJ5nalMv2S66-RPcnFAzWSKxtBDnFJJDGIUe7Tzizjg1nms0Xq_yPub_UOlWn0ec85FCft1hACpWG8schrOBeNqHBODFskYpUc2LC5JA2TaPF2dA67dg1TTsC_FupfQ2kNGcE1LgprxKHcVWYQb86B-HozjHZcqtauBzFNV5tbTuB-TpkcvJfNcFLlH3b8mb-H_ox35FjqBSAjLKyoeqfKTpVjvXhd09knwgJf6VKq6UC418_TOljMVfFTWXUxlnfhOOnzW6HSSzD1c9WrCuVzsUMv54szidQ9wf1cYWf3g5qFDxDQKis99gcDaiCAwM3yEBIzuNeeCa5dartHDb1xEB_HcHSeYbghbMjGfasvKn0aZRsnTyC0xhWBlsolZE',
    d: 'n7fzJc3_WG59VEOBTkayzuSMM780OJQuZjN_KbH8lOZG25ZoA7T4Bxcc0xQn5oZE5uSCIwg91oCt0JvxPcpmqzaJZg1nirjcWZ-oBtVk7gCAWq-B3qhfF3izlbkosrzjHajIcY33HBhsy4_WerrXg4MDNE4HYojy68TcxT2LYQRxUOCf5TtJXvM8olexlSGtVnQnDRutxEUCwiewfmmrfveEogLx9EA-KMgAjTiISXxqIXQhWUQX1G7v_mV_Hr2YuImYcNcHkRvp9E7ook0876DhkO8v4UOZLwA1OlUX98mkoqwc58A_Y2lBYbVx1_s5lpPsEqbbH-nqIjh1fL0gdNfihLxnclWtW7pCztLnImZAyeCWAG7ZIfv-Rn9fLIv9jZ6r7r-MSH9sqbuziHN2grGjD_jfRluMHa0l84fFKl6bcqN1JWxPVhzNZo01yDF-1LiQnqUYSepPf6X3a2SOdkqBRiquE6EvLuSYIDpJq3jDIsgoL8Mo1LoomgiJxUwL_GWEOGu28gplyzm-9Q0U0nyhEf1uhSR8aJAQWAiFImWH5W_IQT9I7-yrindr_2fWQ_i1UgMsGzA7aOGzZfPljRy6z-tY_KuBG00-28S_aWvjyUc-Alp8AUyKjBZ-7CWH32fGWK48j1t-zomrwjL_mnhsPbGs0c9WsWgRzI-K8gE',
    p: '7_2v3OQZzlPFcHyYfLABQ3XP85Es4hCdwCkbDeltaUXgVy9l9etKghvM4hRkOvbb01kYVuLFmxIkCDtpi-zLCYAdXKrAK3PtSbtzld_XZ9nlsYa_QZWpXB_IrtFjVfdKUdMz94pHUhFGFj7nr6NNxfpiHSHWFE1zD_AC3mY46J961Y2LRnreVwAGNw53p07Db8yD_92pDa97vqcZOdgtybH9q6uma-RFNhO1AoiJhYZj69hjmMRXx-x56HO9cnXNbmzNSCFCKnQmn4GQLmRj9sfbZRqL94bbtE4_e0Zrpo8RNo8vxRLqQNwIy85fc6BRgBJomt8QdQvIgPgWCv5HoQ',
    q: 'zqOHk1P6WN_rHuM7ZF1cXH0x6RuOHq67WuHiSknqQeefGBA9PWs6ZyKQCO-O6mKXtcgE8_Q_hA2kMRcKOcvHil1hqMCNSXlflM7WPRPZu2qCDcqssd_uMbP-DqYthH_EzwL9KnYoH7JQFxxmcv5An8oXUtTwk4knKjkIYGRuUwfQTus0w1NfjFAyxOOiAQ37ussIcE6C6ZSsM3n41UlbJ7TCqewzVJaPJN5cxjySPZPD3Vp01a9YgAD6a3IIaKJdIxJS1ImnfPevSJQBE79-EXe2kSwVgOzvt-gsmM29QQ8veHy4uAqca5dZzMs7hkkHtw1z0jHV90epQJJlXXnH8Q',
    dp: '19oDkBh1AXelMIxQFm2zZTqUhAzCIr4xNIGEPNoDt1jK83_FJA-xnx5kA7-1erdHdms_Ef67HsONNv5A60JaR7w8LHnDiBGnjdaUmmuO8XAxQJ_ia5mxjxNjS6E2yD44USo2JmHvzeeNczq25elqbTPLhUpGo1IZuG72FZQ5gTjXoTXC2-xtCDEUZfaUNh4IeAipfLugbpe0JAFlFfrTDAMUFpC3iXjxqzbEanflwPvj6V9iDSgjj8SozSM0dLtxvu0LIeIQAeEgT_yXcrKGmpKdSO08kLBx8VUjkbv_3Pn20Gyu2YEuwpFlM_H1NikuxJNKFGmnAq9LcnwwT0jvoQ',
    dq: 'S6p59KrlmzGzaQYQM3o0XfHCGvfqHLYjCO557HYQf72O9kLMCfd_1VBEqeD-1jjwELKDjck8kOBl5UvohK1oDfSP1DleAy-cnmL29DqWmhgwM1ip0CCNmkmsmDSlqkUXDi6sAaZuntyukyflI-qSQ3C_BafPyFaKrt1fgdyEwYa08pESKwwWisy7KnmoUvaJ3SaHmohFS78TJ25cfc10wZ9hQNOrIChZlkiOdFCtxDqdmCqNacnhgE3bZQjGp3n83ODSz9zwJcSUvODlXBPc2AycH6Ci5yjbxt4Ppox_5pjm6xnQkiPgj01GpsUssMmBN7iHVsrE7N2iznBNCeOUIQ',
    qi: 'FZhClBMywVVjnuUud-05qd5CYU0dK79akAgy9oX6RX6I3IIIPckCciRrokxglZn-omAY5CnCe4KdrnjFOT5YUZE7G_Pg44XgCXaarLQf4hl80oPEf6-jJ5Iy6wPRx7G2e8qLxnh9cOdf-kRqgOS3F48Ucvw3ma5V6KGMwQqWFeV31XtZ8l5cVI-I3NzBS7qltpUVgz2Ju021eyc7IlqgzR98qKONl27DuEES0aK0WE97jnsyO27Yp88Wa2RiBrEocM89QZI1seJiGDizHRUP4UZxw9zsXww46wy0P6f9grnYp7t8LkyDDk8eoI4KX6SNMNVcyVS9IWjlq8EzqZEKIA',
  };
  const encrypted = base64url('rT99rwrBTbTI7IJM8fU3Eli7226HEB7IchCxNuh7lCiud48LxeolRdtFF4nzQibeYOl5S_PJsAXZwSXtDePz9hk-BbtsTBqC2UsPOdwjC9NhNupNNu9uHIVftDyucvI6hvALeZ6OGnhNV4v1zx2k7O1D89mAzfw-_kT3tkuorpDU-CpBENfIHX1Q58-Aad3FzMuo3Fn9buEP2yXakLXYa15BUXQsupM4A1GD4_H4Bd7V3u9h8Gkg8BpxKdUV9ScfJQTcYm6eJEBz3aSwIaK4T3-dwWpuBOhROQXBosJzS1asnuHtVMt2pKIIfux5BC6huIvmY7kzV7W7aIUrpYm_3H4zYvyMeq5pGqFmW2k8zpO878TRlZx7pZfPYDSXZyS0CfKKkMozT_qiCwZTSz4duYnt8hS4Z9sGthXn9uDqd6wycMagnQfOTs_lycTWmY-aqWVDKhjYNRf03NiwRtb5BE-tOdFwCASQj3uuAgPGrO2AWBe38UjQb0lvXn1SpyvYZ3WFc7WOJYaTa7A8DRn6MC6T-xDmMuxC0G7S2rscw5lQQU06MvZTlFOt0UvfuKBa03cxA_nIBIhLMjY2kOTxQMmpDPTr6Cbo8aKaOnx6ASE5Jx9paBpnNmOOKH35j_QlrQhDWUN6A2Gg8iFayJ69xDEdHAVCGRzN3woEI2ozDRs');
  const cek = 'mYMfsggkTAm0TbvtlFh2hyoXnbEzJQjMxmgLN3d8xXA';
  const algorithm = { name: 'RSA-OAEP', hash: 'SHA-1' };
  const privateKey = await subtle.importKey('jwk', samwise, algorithm, true, ['decrypt', 'unwrapKey']);
  const publicKey = await subtle.importKey('jwk', { kty, n: samwise.n, e, alg: 'RSA-OAEP' }, algorithm, true, ['encrypt', 'wrapKey']);
  assert_equals(hex(await subtle.decrypt('RSA-OAEP', privateKey, encrypted)), hex(base64url(cek)));
  const unwrapped = await subtle.unwrapKey('raw', encrypted, privateKey, 'RSA-OAEP', 'AES-GCM', true, ['encrypt']);
  assert_equals((await subtle.exportKey('jwk', unwrapped)).k, cek);
  const label = ascii('label');
  const again = await subtle.encrypt({ name: 'RSA-OAEP', label }, publicKey, base64url(cek));
  assert_equals(hex(await subtle.decrypt({ name: 'RSA-OAEP', label }, privateKey, again)), hex(base64url(cek)));
  await rejects(context, 'OperationError', subtle.decrypt('RSA-OAEP', privateKey, again));
  await rejects(context, 'OperationError', subtle.decrypt('RSA-OAEP', privateKey, again.slice(1)));
  const most = 512 - 2 * 20 - 2;
  assert_equals((await subtle.encrypt('RSA-OAEP', publicKey, new Uint8Array(most))).byteLength, 512);
  await rejects(context, 'OperationError', subtle.encrypt('RSA-OAEP', publicKey, new Uint8Array(most + 1)));
  await rejects(context, 'InvalidAccessError', subtle.encrypt('RSA-OAEP', privateKey, new Uint8Array(1)));
  await rejects(context, 'DataError', subtle.importKey('jwk', samwise, { name: 'RSA-OAEP', hash: 'SHA-256' }, true, ['decrypt']));
  await rejects(context, 'SyntaxError', subtle.importKey('jwk', samwise, algorithm, true, ['encrypt']));
}, 'RSA-OAEP of RFC 7520, 5.2');

promise_test(async (context) => {
  const algorithm = { name: 'RSA-PSS', hash: 'SHA-256' };
  const key = await subtle.importKey('jwk', bilbo, algorithm, true, ['sign']);
  const pkcs8 = await subtle.exportKey('pkcs8', key);
  const jwk = await subtle.exportKey('jwk', await subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']));
  for (const name of ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi']) assert_equals(jwk[name], bilbo[name], name);
  assert_equals(jwk.alg, 'PS256');
  const publicKey = await subtle.importKey('jwk', bilbosPublic, algorithm, true, ['verify']);
  const spki = await subtle.exportKey('spki', publicKey);
  assert_equals(hex(spki).slice(0, 66), '30820122300d06092a864886f70d01010105000382010f003082010a0282010100');
  const again = await subtle.importKey('spki', spki, algorithm, true, ['verify']);
  assert_equals(hex(await subtle.exportKey('spki', again)), hex(spki));
  const otherNumber = `${bilbo.p.slice(0, -2)}AA`;
  for (const name of ['n', 'd', 'p', 'q', 'dp', 'dq', 'qi']) // they do not belong together, or are not there
    for (const value of [otherNumber, 'AA', '', undefined])
      if (name !== 'd' || value !== undefined) await rejects(context, 'DataError', subtle.importKey('jwk', { ...bilbo, [name]: value }, algorithm, true, ['sign']));
  await rejects(context, 'SyntaxError', subtle.importKey('jwk', { ...bilbo, d: undefined }, algorithm, true, ['sign'])); // a public one
  await rejects(context, 'NotSupportedError', subtle.importKey('jwk', { ...bilbo, oth: [] }, algorithm, true, ['sign']));
  await rejects(context, 'NotSupportedError', subtle.importKey('raw', spki, algorithm, true, ['verify']));
  for (const end of [0, 1, 20, 293]) await rejects(context, 'DataError', subtle.importKey('spki', spki.slice(0, end), algorithm, true, ['verify']));
  const longer = new Uint8Array(spki.byteLength + 1);
  longer.set(new Uint8Array(spki));
  await rejects(context, 'DataError', subtle.importKey('spki', longer, algorithm, true, ['verify']));
  const padded = await subtle.importKey('jwk', { ...bilbosPublic, e: 'AAEAAQ' }, algorithm, true, ['verify']);
  assert_equals((await subtle.exportKey('jwk', padded)).e, 'AQAB');
  await rejects(context, 'InvalidAccessError', subtle.exportKey('spki', key));
  await rejects(context, 'NotSupportedError', subtle.exportKey('raw', key));
}, 'formats of keys for RSA');

promise_test(async (context) => {
  const algorithm = { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) };
  const { publicKey, privateKey } = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
  assert_object_equals([publicKey.usages, privateKey.usages, publicKey.algorithm.modulusLength], [['verify'], ['sign'], 1024]);
  const signature = await subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, privateKey, new Uint8Array(9));
  assert_true(await subtle.verify({ name: 'RSA-PSS', saltLength: 32 }, publicKey, signature, new Uint8Array(9)));
  const three = await subtle.generateKey({ ...algorithm, publicExponent: new Uint8Array([0, 3]) }, true, ['sign']);
  assert_equals((await subtle.exportKey('jwk', three.publicKey)).e, 'Aw');
  for (const publicExponent of [[], [0], [1], [2], [1, 0, 0], new Array(64).fill(255)])
    await rejects(context, 'OperationError', subtle.generateKey({ ...algorithm, publicExponent: new Uint8Array(publicExponent) }, true, ['sign']));
  for (const modulusLength of [0, 1, 256, 100000]) await rejects(context, 'OperationError', subtle.generateKey({ ...algorithm, modulusLength }, true, ['sign']));
  for (const publicExponent of [65537, [1, 0, 1], undefined, new ArrayBuffer(3)])
    await promise_rejects_js(context, TypeError, subtle.generateKey({ ...algorithm, publicExponent }, true, ['sign']));
  await rejects(context, 'SyntaxError', subtle.generateKey(algorithm, true, ['verify']));
  await rejects(context, 'SyntaxError', subtle.generateKey(algorithm, true, ['decrypt']));
  await rejects(context, 'NotSupportedError', subtle.generateKey({ ...algorithm, hash: 'MD5' }, true, ['sign']));
}, 'generated keys for RSA');
