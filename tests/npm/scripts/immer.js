import { enableMapSet, enablePatches, produce, produceWithPatches } from 'immer';

enableMapSet();
enablePatches();

export function run(state) {
  const next = produce(state, (draft) => {
    draft.users[0].name = 'Grace';
    draft.users.push({ name: 'Edsger' });
  });
  const [tags, patches] = produceWithPatches({ tags: new Set(['a']) }, (draft) => void draft.tags.add('b'));
  return { before: state, next, isFrozen: Object.isFrozen(next), isShared: produce(state, () => {}) === state, tags: [...tags.tags], patches };
}
