// SPDX-License-Identifier: Apache-2.0
// Binds JavaScript to the language as it was when the snapshot was made. Groups are evaluated, and their functions called,
// in a world that a script may have changed: `list.push(x)` would call what the script has put onto Array.prototype, with
// an object of ours. So each place where a built-in is looked up becomes a call of what runtime.js keeps of it. Nobody
// who writes a group has to know: it is done to libraries, too.
//
//   list.push(x)                 $$push_1(list, x)         by the type that `list` has when it runs; a method of another
//                                                         class, as `blob.slice()`, stays one
//   Object.keys(x), new Map(e)   $$Object_keys(x), $$newMap(e)
//   view.length, map.size        $$get_length(view), $$get_size(map)
//   for (const [k, v] of map)    for (let list = $$listed(map), i = 0; i < list.length; ++i) { const {0: k, 1: v} = list[i]; … }
//   [...list], f(...list)        $$joined(list), f(...$$iterate(list))
//   x instanceof Y               $$isInstance(Y, x)
//   await p, return p            await $$awaited(p), return $$resolving(p)
//   class Blob { constructor() { class Blob { constructor() { $$adopt(this, new.target, Blob);
//   class File extends Blob …    (super(…), $$adopt(this, new.target, File, Blob.prototype))
//   defineProperty(o, k, {…})    defineProperty(o, k, {__proto__: null, …})
//
// What can't be bound is a finding; a comment `unbound: REASON` on the same line or the one before says why it may stay, for
// instance as it is meant to find what the script has put there.

const typedArrays = ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'];
const globals = new Set([
  'Object', 'Function', 'Array', 'Number', 'Boolean', 'String', 'Symbol', 'BigInt', 'Date', 'Promise', 'RegExp', 'Error', 'EvalError', 'RangeError',
  'ReferenceError', 'SyntaxError', 'TypeError', 'URIError', 'AggregateError', 'JSON', 'Math', 'Reflect', 'Proxy', 'Map', 'Set', 'WeakMap', 'WeakSet',
  'ArrayBuffer', 'DataView', 'parseInt', 'parseFloat', 'isNaN', 'isFinite', 'decodeURIComponent', 'encodeURIComponent', ...typedArrays,
]);
// Parameters of the function that a group is, and what has no way to be changed.
const harmless = new Set(['undefined', 'NaN', 'Infinity', 'arguments', 'require', 'exports', 'module', 'native', 'globalThis']);
const others = { __proto__: null, queueMicrotask: 'native.queueTask' };

// Method → the types whose prototypes have it.
const prototypes = {
  Array: Array.prototype, ArrayBuffer: ArrayBuffer.prototype, BigInt: BigInt.prototype, DataView: DataView.prototype, Date: Date.prototype,
  Function: Function.prototype, Map: Map.prototype, Number: Number.prototype, Promise: Promise.prototype, RegExp: RegExp.prototype, Set: Set.prototype,
  String: String.prototype, TypedArray: Object.getPrototypeOf(Uint8Array.prototype), WeakMap: WeakMap.prototype, WeakSet: WeakSet.prototype,
  Object: Object.prototype,
};
const methods = new Map();
for (const [type, prototype] of Object.entries(prototypes))
  for (const key of Object.getOwnPropertyNames(prototype)) {
    if (key === 'constructor' || key.startsWith('__') || typeof Object.getOwnPropertyDescriptor(prototype, key).value !== 'function') continue;
    if (!methods.has(key)) methods.set(key, []);
    methods.get(key).push(type);
  }
// Own classes have these; of the language they are called on numbers only.
methods.set('toString', ['Number', 'BigInt', 'Function']);
methods.set('valueOf', []);
const getters = new Set(['length', 'buffer', 'byteOffset', 'byteLength', 'size']);
// What would look up something replaceable, and has no version of ours yet.
const unsafe = new Set([
  'Array.flat', 'Array.toString', 'Array.toLocaleString', 'Array.toSpliced', 'String.matchAll', 'Promise.finally', 'TypedArray.map', 'TypedArray.filter',
  'Object.toLocaleString', 'RegExp.toString', 'RegExp.compile',
]);
const unsafeStatics = new Set([
  'Math.random', // V8's, which repeats itself
  'Promise.allSettled', 'Promise.any', 'Promise.try', 'Promise.withResolvers', 'Array.of', 'Array.fromAsync', 'Map.groupBy', 'Object.groupBy']);

const isNode = (value) => value !== null && typeof value === 'object' && typeof value.type === 'string';
function childrenOf(node) {
  const list = [];
  for (const key of Object.keys(node)) {
    if (node.type === 'Property' && node.shorthand && key === 'key') continue;
    const value = node[key];
    if (isNode(value)) list.push(value);
    else if (Array.isArray(value)) list.push(...value.filter(isNode));
  }
  return list.sort((a, b) => a.start - b.start);
}

// All names that are declared anywhere in it: scopes are not looked at.
function declaredNames(ast) {
  const names = new Set();
  const pattern = (node) => {
    if (!node) return;
    if (node.type === 'Identifier') names.add(node.name);
    else if (node.type === 'Property') pattern(node.value);
    else if (node.type === 'AssignmentPattern') pattern(node.left);
    else if (node.type === 'RestElement') pattern(node.argument);
    else (node.elements ?? node.properties ?? []).forEach(pattern);
  };
  const visit = (node) => {
    if (node.type === 'VariableDeclarator') pattern(node.id);
    if (/^(Function|Class)/.test(node.type) && node.id) pattern(node.id);
    if (/Function/.test(node.type)) node.params.forEach(pattern);
    if (node.type === 'CatchClause') pattern(node.param);
    if (/^Import.*Specifier$/.test(node.type)) pattern(node.local);
    childrenOf(node).forEach(visit);
  };
  visit(ast);
  return names;
}

const isReference = (node, parent) =>
  !(parent.type === 'MemberExpression' && parent.property === node && !parent.computed) &&
  !(/^(Property|MethodDefinition|PropertyDefinition)$/.test(parent.type) && parent.key === node && parent.value !== node && !parent.computed) &&
  !/^(LabeledStatement|BreakStatement|ContinueStatement|ExportSpecifier|ImportSpecifier|MetaProperty)$/.test(parent.type);

const called = new Set(); // those of the constants that are functions, and called
const constants = new Map(); // name in the runtime → what it is: Number_MAX_SAFE_INTEGER, "Number.MAX_SAFE_INTEGER"

// Binds `source`. `used` gets the names that it needs of the runtime (without their $$); returns {text, findings, shadowed}; what is
// shadowed are names of the language that are declared, and so not bound anywhere in it. mayBeBytes(line): whether
// what `length`, `buffer` and the like are asked for there may be a typed array, which inherits them.
export function bind(source, parse, used, mayBeBytes = () => true) {
  const comments = [];
  const options = { ecmaVersion: 2022, allowReturnOutsideFunction: true, locations: true, onComment: comments };
  let ast;
  try {
    ast = parse(source, { ...options, sourceType: 'module' });
  } catch {
    comments.length = 0;
    ast = parse(source, { ...options, sourceType: 'script' });
  }
  const excused = new Set();
  for (const { value, loc } of comments) if (/\bunbound: \S/.test(value)) for (let line = loc.start.line; line <= loc.end.line + 1; ++line) excused.add(line);
  const findings = [];
  const declared = declaredNames(ast);
  const shadowed = [...declared].filter((name) => name.startsWith('$$') || globals.has(name));
  const adoptions = new Map(); // body → what stands at its begin
  const classNames = []; // from the outside in
  const parentNames = []; // of the same classes; '' if it has none of ours
  let temporaries = 0;

  const isExcused = (node) => excused.has(node.loc.start.line);
  const find = (node, what) => {
    if (!isExcused(node)) findings.push({ line: node.loc.start.line, column: node.loc.start.column + 1, what, text: source.slice(node.start, node.start + 60).replace(/\s+/g, ' ') });
  };
  const use = (name) => {
    used.add(name);
    return `$$${name}`;
  };
  const useConstant = (path, isCalled = false) => {
    constants.set(path.join('_'), path.join('.'));
    if (isCalled) called.add(path.join('_'));
    return use(path.join('_'));
  };
  const isGlobal = (node) => node.type === 'Identifier' && globals.has(node.name) && !declared.has(node.name);
  // ['Object', 'prototype', 'hasOwnProperty']; undefined if it does not begin at a global name.
  const pathOf = (node) => {
    if (isGlobal(node)) return [node.name];
    if (node.type !== 'MemberExpression' || node.computed) return undefined;
    const path = pathOf(node.object);
    return path && [...path, node.property.name];
  };
  // The end of what is a constant of the language: Math.PI, Object.prototype.toString, but not Object.prototype.toString.call.
  const constantOf = (node, isCallee = false) => {
    const path = pathOf(node);
    if (!path || path.length < 2 || (isCallee && /^(call|apply|bind)$/.test(path.at(-1)) && path[0] !== 'Reflect')) return undefined;
    let object = globalThis;
    for (const name of path) {
      const isStatic = path.length === 2 && name === path[1]; // typed arrays inherit theirs
      if (object === null || !/^(object|function)$/.test(typeof object) || !(isStatic ? name in object : Object.hasOwn(object, name))) return undefined;
      object = object[name];
    }
    return path;
  };

  // --- text -------------------------------------------------------------------------------------------------
  const plain = (node) => {
    let text = '';
    let at = node.start;
    for (const child of childrenOf(node)) {
      text += source.slice(at, child.start) + emit(child, node);
      at = child.end;
    }
    return text + source.slice(at, node.end);
  };
  const iterated = (node, parent) =>
    node.type === 'Identifier' && node.name === 'arguments' ? `${use('iterateArray')}(arguments)` : `${use('iterate')}(${emit(node, parent)})`;
  const argumentsOf = (node) => node.arguments.map((argument) => emit(argument, node)).join(', ');
  const hasSpread = (node) => node.arguments.some((argument) => argument.type === 'SpreadElement');

  const hasRest = (pattern) => pattern.elements.some((element) => element?.type === 'RestElement');
  // What the script's own iterator goes through, step by step: iterated(), or an object made for it.
  const isScripts = (node) => (node.type === 'CallExpression' && /^iterated\d*$/.test(node.callee.name ?? node.callee.property?.name ?? node.callee.expressions?.at(-1).property?.name ?? '')) || node.type === 'ObjectExpression';
  const constantsIn = (pattern, path) => pattern.type === 'ObjectPattern' && pattern.properties.every((property) => property.type === 'Property' && !property.computed && property.value.type === 'Identifier') &&
    pattern.properties.map((property) => [property.value.name, [...path, property.key.name]]);

  const handlers = {
    Identifier(node, parent) {
      if (!isReference(node, parent) || declared.has(node.name)) return undefined;
      if (node.name.startsWith('$$')) used.add(node.name.slice(2));
      else if (globals.has(node.name)) {
        const text = use(node.name);
        return parent.type === 'Property' && parent.shorthand ? `${node.name}: ${text}` : text;
      } else if (others[node.name]) return others[node.name];
      else if (!harmless.has(node.name)) find(node, `${node.name} is a global name that a script can change`);
      return undefined;
    },
    MemberExpression(node, parent) {
      if (node.object.type === 'MetaProperty' && node.property.name === 'prototype' && classNames.at(-1)) return `${use('prototypeFor')}(new.target, ${classNames.at(-1)})`;
      const isCallee = parent.type === 'CallExpression' && parent.callee === node;
      const path = constantOf(node, isCallee);
      const isTarget = (parent.type === 'AssignmentExpression' && parent.left === node) || parent.type === 'UpdateExpression' || (parent.type === 'UnaryExpression' && parent.operator === 'delete');
      if (path) return isTarget ? undefined : useConstant(path, isCallee);
      if (isGlobal(node.object) && !node.computed && !isCallee) find(node, `this Node.js has no ${node.object.name}.${node.property.name}`);
      if (node.computed && node.property.type === 'MemberExpression' && node.property.object.name === 'Symbol' && !isTarget) find(node, 'a method or property by a symbol of the language');
      if (node.computed || isCallee || isTarget || node.property.type !== 'Identifier') return undefined;
      const { name } = node.property;
      if (node.object.type === 'Super') return undefined;
      if (node.object.type === 'Identifier' && node.object.name === 'globalThis') find(node, 'a property of the global object');
      if (!getters.has(name) || (name === 'length' && isLocalList(node.object)) || (name !== 'size' && !mayBeBytes(node.loc.start.line))) return undefined;
      return `${use(`get_${name}`)}(${emit(node.object, node)})`;
    },
    CallExpression(node) {
      const { callee } = node;
      if (callee.type === 'Super' && classNames.at(-1) && parentNames.at(-1))
        return `(${plain(node)}, ${use('adopt')}(this, new.target, ${classNames.at(-1)}, ${parentNames.at(-1)}.prototype))`;
      const path = pathOf(callee);
      if (path && path.length === 2 && constantOf(callee, true)) {
        const [owner, name] = path;
        if (typedArrays.includes(owner) && name === 'from') return `${use('typedArrayFrom')}(${use(owner)}, ${argumentsOf(node)})`;
        if (typedArrays.includes(owner) && name === 'of') return `${use('typedArrayFrom')}(${use(owner)}, [${argumentsOf(node)}])`;
        if (unsafeStatics.has(path.join('.'))) find(node, `there is no version of ours of ${path.join('.')}`);
      }
      if (/defineProperty$|^__defProp$|defineProperties$|^__export$/.test(callee.property?.name ?? callee.name ?? '')) node.arguments.slice(1).forEach(makePlain);
      if (path && path.join('.') === 'Object.create' && node.arguments[1]) makePlain(node.arguments[1]);
      if (callee.type !== 'MemberExpression' || constantOf(callee, true)) return undefined;
      if (callee.object.type === 'Identifier' && callee.object.name === 'globalThis') find(callee, 'a function of the global object');
      const isNamed = callee.computed && callee.property.type === 'Literal' && typeof callee.property.value === 'string';
      if (callee.computed && !isNamed) {
        find(callee, 'a method whose name is computed');
        return undefined;
      }
      if ((!isNamed && callee.property.type !== 'Identifier') || callee.object.type === 'Super' || callee.object.type === 'ThisExpression') return undefined;
      const name = isNamed ? callee.property.value : callee.property.name;
      if (!methods.has(name) || methods.get(name).length === 0) return undefined;
      if (methods.get(name).every((type) => type === 'Object' || unsafe.has(`${type}.${name}`))) find(node, `there is no version of ours of ${name}()`);
      const count = hasSpread(node) ? 'n' : node.arguments.length;
      const list = argumentsOf(node);
      return `${use(`${name}_${count}`)}(${emit(callee.object, callee)}${list === '' ? '' : ', '}${list})`;
    },
    NewExpression(node) {
      const name = isGlobal(node.callee) ? node.callee.name : '';
      const [argument] = node.arguments;
      if (argument === undefined || node.arguments.length > 1) return undefined;
      if (name === 'Map' || name === 'Set') return `${use(`new${name}`)}(${argumentsOf(node)})`;
      if (name === 'WeakMap' || name === 'WeakSet') find(node, `new ${name} of entries`);
      if (typedArrays.includes(name) && argument.type !== 'Literal') return `${use('newTypedArray')}(${use(name)}, ${argumentsOf(node)})`;
      return undefined;
    },
    BinaryExpression(node) {
      return node.operator === 'instanceof' ? `${use('isInstance')}(${emit(node.right, node)}, ${emit(node.left, node)})` : undefined;
    },
    SpreadElement(node, parent) {
      return parent.type === 'ObjectExpression' ? undefined : `...${iterated(node.argument, node)}`;
    },
    SequenceExpression(node) {
      return `(${plain(node)})`; // may become an argument
    },
    YieldExpression(node) {
      if (node.delegate) find(node, 'yield*');
    },
    ForOfStatement(node) {
      if (node.await) find(node, 'for await');
      if (isScripts(node.right)) return undefined;
      const [list, at] = [`_$${++temporaries}`, `_$${++temporaries}`];
      const isDeclaration = node.left.type === 'VariableDeclaration';
      const pattern = isDeclaration ? node.left.declarations[0].id : node.left;
      const assignment = `${emit(pattern, node.left)} = ${list}[${at}]`;
      return `for (let ${list} = ${use('listed')}(${emit(node.right, node)}), ${at} = 0; ${at} < ${list}.length; ++${at}) { ${isDeclaration ? `${node.left.kind} ${assignment}` : `(${assignment})`}; ${emit(node.body, node)} }`;
    },
    // By index: {0: a, 1: b}
    ArrayPattern(node, parent) {
      if (!hasRest(node)) return `{ ${node.elements.map((element, i) => element && `${i}: ${emit(element, node)}`).filter(Boolean).join(', ')} }`;
      if (!/^(VariableDeclarator|AssignmentExpression)$|Function/.test(parent.type)) find(node, 'the rest of an array is destructured within another pattern');
      return undefined;
    },
    ArrayExpression(node) {
      if (!node.elements.some((element) => element?.type === 'SpreadElement')) return undefined;
      const parts = [];
      let texts = [];
      const flush = () => {
        if (texts.length > 0) parts.push(`[${texts.join(', ')}]`);
        texts = [];
      };
      for (const element of node.elements) {
        if (element.type !== 'SpreadElement') texts.push(emit(element, node));
        else {
          flush();
          parts.push(element.argument.name === 'arguments' ? `${use('Array_slice')}(arguments)` : emit(element.argument, element));
        }
      }
      flush();
      return `${use('joined')}(${parts.join(', ')})`;
    },
    VariableDeclarator(node, parent) {
      if (!node.init) return undefined;
      if (node.id.type === 'ArrayPattern')
        return hasRest(node.id) ? `${plain(node.id)} = ${iterated(node.init, node)}` : `${emit(node.id, node)} = ${use('listed')}(${emit(node.init, node)})`;
      const path = pathOf(node.init);
      const list = path && constantsIn(node.id, path);
      if (list) return list.map(([local, full]) => `${local} = ${useConstant(full)}`).join(', ');
      if (node.id.type === 'ObjectPattern') {
        if (node.id.properties.some((property) => property.key && getters.has(property.key.name))) {
          if (node.id.properties.some((property) => property.type !== 'Property' || property.computed || property.value.type !== 'Identifier')) {
            find(node, 'a getter is destructured beside what is not a name');
            return undefined;
          }
          const temporary = node.init.type === 'Identifier' ? node.init.name : `_$${++temporaries}`;
          const first = node.init.type === 'Identifier' ? '' : `${temporary} = ${emit(node.init, node)}, `;
          return first + node.id.properties.map(({ key, value }) => `${value.name} = ${getters.has(key.name) ? `${use(`get_${key.name}`)}(${temporary})` : `${temporary}.${key.name}`}`).join(', ');
        }
      }
      return undefined;
    },
    AssignmentExpression(node) {
      if (node.left.type !== 'ArrayPattern') return undefined;
      return hasRest(node.left) ? `(${plain(node.left)} = ${iterated(node.right, node)})` : `(${emit(node.left, node)} = ${use('listed')}(${emit(node.right, node)}))`;
    },
    AwaitExpression(node) {
      return `await ${use('awaited')}(${emit(node.argument, node)})`;
    },
    ChainExpression(node) {
      return plain(node); // for findings: the text that is bound has none
    },
    ClassDeclaration(node, parent) {
      return handlers.ClassExpression(node, parent);
    },
    ClassExpression(node, parent) {
      if (node.superClass && !node.body.body.some((member) => member.kind === 'constructor')) find(node, 'a derived class without a constructor: V8 spreads the arguments');
      if (node.superClass && isGlobal(node.superClass) && !/Error$/.test(node.superClass.name)) find(node, `a class that inherits from ${node.superClass.name}`);
      const name = node.id?.name ?? (parent.type === 'VariableDeclarator' ? parent.id.name : '');
      const constructor = node.body.body.find((member) => member.kind === 'constructor');
      if (!node.superClass && /^_?[A-Z]/.test(name)) {
        const adopting = `${use('adopt')}(this, new.target, ${name});`;
        if (constructor) adoptions.set(constructor.value.body, adopting);
        else adoptions.set(node.body, `constructor() { ${adopting} }`);
      }
      classNames.push(name);
      const parentName = node.superClass?.property?.name ?? node.superClass?.name ?? ''; // another group's is a property of it
      parentNames.push(/^_?[A-Z]/.test(parentName) && !pathOf(node.superClass) ? emit(node.superClass, node) : '');
      const text = plain(node);
      classNames.pop();
      parentNames.pop();
      return text;
    },
    BlockStatement: withAdoption,
    ClassBody: withAdoption,
    ArrowFunctionExpression: functionText,
    FunctionExpression: functionText,
    FunctionDeclaration: functionText,
    ReturnStatement(node) {
      if (!node.argument || !asyncDepth.at(-1) || !mayBePromise(node.argument)) return undefined;
      return `return ${use('resolving')}(${emit(node.argument, node)});`;
    },
  };

  // Bodies of classes that can be constructed, or of their constructors, and what stands at their begin.
  function withAdoption(node) {
    return adoptions.has(node) ? `{ ${adoptions.get(node)}${plain(node).slice(1)}` : undefined;
  }

  // Arrays and texts as far as can be seen: their length is their own.
  function isLocalList(node) {
    return node.type === 'TemplateLiteral' || node.type === 'ArrayExpression' || (node.type === 'Literal' && typeof node.value === 'string') || (node.type === 'Identifier' && (node.name === 'arguments' || lists.has(node.name)));
  }

  const mayBePromise = (node) =>
    !/^(Literal|TemplateLiteral|ObjectExpression|ArrayExpression|UnaryExpression|BinaryExpression|AwaitExpression|UpdateExpression|FunctionExpression|ArrowFunctionExpression|ClassExpression)$/.test(node.type);
  const asyncDepth = [];
  function functionText(node, parent) {
    const patterns = node.params.filter((param) => param.type === 'ArrayPattern' && hasRest(param));
    asyncDepth.push(node.async);
    const isResolving = node.async && node.body.type !== 'BlockStatement' && mayBePromise(node.body);
    let text;
    if (patterns.length === 0 && !isResolving) text = plain(node);
    else {
      const names = new Map(patterns.map((param) => [param, `_$${++temporaries}`]));
      const declarations = [...names].map(([param, name]) => `let ${plain(param)} = ${use('iterate')}(${name});`).join(' ');
      const body = node.body.type !== 'BlockStatement'
        ? `{ ${declarations} return ${isResolving ? `${use('resolving')}(${emit(node.body, node)})` : emit(node.body, node)}; }`
        : `{ ${declarations} ${emit(node.body, node).slice(1)}`;
      // What stands between the parameters and around them stays.
      let at = node.start;
      text = '';
      for (const child of childrenOf(node)) {
        if (child === node.body) continue;
        text += source.slice(at, child.start) + (names.get(child) ?? emit(child, node));
        at = child.end;
      }
      const before = source.slice(at, node.body.start);
      text += (node.body.type !== 'BlockStatement' ? before.replace(/\(\s*$/, '') : before) + body;
      if (node.body.type !== 'BlockStatement') {
        // A body in parentheses, as of an object.
        const opened = /\(\s*$/.test(before);
        if (opened) text += source.slice(node.body.end, node.end).replace(/^\s*\)/, '');
      }
    }
    asyncDepth.pop();
    return text;
  }
  // A descriptor, or a map of them, inherits nothing.
  function makePlain(node) {
    if (node.type !== 'ObjectExpression') return;
    node.isPlain = true;
    for (const property of node.properties) if (property.type === 'Property' && property.value.type === 'ObjectExpression') property.value.isPlain = true;
  }

  // Names whose every declaration is a list or a text that the code itself makes: rest parameters, literals.
  const lists = (() => {
    const found = new Map();
    const note = (name, isList) => found.set(name, (found.get(name) ?? true) && isList);
    const visit = (node, parent) => {
      if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier') note(node.id.name, !!node.init && /^(ArrayExpression|TemplateLiteral)$/.test(node.init.type));
      else if (node.type === 'AssignmentExpression' && node.left.type === 'Identifier' && node.operator === '=') note(node.left.name, /^(ArrayExpression|TemplateLiteral)$/.test(node.right.type));
      else if (/Function/.test(node.type))
        for (const param of node.params) {
          const visitParam = (p, isRest) => {
            if (p.type === 'Identifier') note(p.name, isRest);
            else childrenOf(p).forEach((child) => visitParam(child, p.type === 'RestElement' && child.type === 'Identifier'));
          };
          visitParam(param, false);
        }
      else if (/Pattern$/.test(node.type) || node.type === 'CatchClause') {
        const all = (p) => (p.type === 'Identifier' ? note(p.name, false) : childrenOf(p).forEach(all));
        if (node.type !== 'CatchClause') all(node);
        else if (node.param) all(node.param);
      }
      childrenOf(node).forEach((child) => visit(child, node));
    };
    visit(ast, undefined);
    return new Set([...found].filter(([, isList]) => isList).map(([name]) => name));
  })();

  function emit(node, parent) {
    const text = handlers[node.type]?.(node, parent) ?? plain(node);
    if (node.isPlain && !/^\{\s*__proto__/.test(text)) return `{ __proto__: null, ${text.slice(1)}`;
    // return[…].map(…), var{…}=…
    return /^[\w$]/.test(text) && /[\w$]/.test(source[node.start - 1] ?? '') ? ` ${text}` : text;
  }
  return { text: emit(ast, { type: 'None' }), findings, shadowed };
}

// --- the runtime's generated part ----------------------------------------------------------------------------------

// The runtime's text with all that is used in the groups; `written`: what runtime.js has.
export function completeRuntime(runtime, used) {
  const written = new Set([...runtime.matchAll(/^(?:const|function|async function|class) \{? ?(\w+)/gm)].map((match) => match[1]));
  for (const match of runtime.matchAll(/^const \{ (.*?) \} =/gm)) for (const name of match[1].split(/, /)) written.add(name.split(': ').at(-1));
  const lines = [];
  const captured = new Set();
  const capture = (name, value) => {
    if (written.has(name) || captured.has(name)) return name;
    captured.add(name);
    lines.push(`const ${name} = ${value};`);
    return name;
  };
  const methodOf = (type, name) => {
    if (unsafe.has(`${type}.${name}`)) return 'refuse';
    return capture(`${type}_${name}`, `method(${type}.prototype, '${name}')`);
  };
  const exported = [];
  for (const id of [...used].sort()) {
    const helper = /^(\w+)_(\d+|n)$/.exec(id);
    if (written.has(id)) exported.push(`$$${id}: ${id}`);
    else if (globals.has(id)) exported.push(`$$${id}: ${id}`);
    else if (helper && methods.has(helper[1])) {
      lines.push(dispatcher(id, helper[1], helper[2]));
      exported.push(`$$${id}: $$${id}`);
    } else {
      if (!constants.has(id)) throw new Error(`the runtime has no ${id}`);
      capture(`captured_${id}`, called.has(id) ? `existing(${constants.get(id)}, '${constants.get(id)}')` : constants.get(id));
      exported.push(`$$${id}: captured_${id}`);
    }
  }
  function dispatcher(id, name, count) {
    const types = methods.get(name);
    const params = count === 'n' ? '...list' : Array.from({ length: +count }, (_, i) => `a${i}`).join(', ');
    const rest = params === '' ? '' : `, ${params.replace('...list', '...iterateArray(list)')}`;
    const body = [];
    const direct = { String: "typeof self === 'string'", Array: 'isArray(self)', Function: "typeof self === 'function'", Number: "typeof self === 'number'", BigInt: "typeof self === 'bigint'" };
    const others = [];
    let typedMethod;
    for (const type of types) {
      const method = type === 'Object' ? undefined : id === 'push_1' ? 'pushOne' : methodOf(type, name);
      if (!method) continue;
      if (direct[type]) body.push(`if (${direct[type]}) return ${method}(self${rest});`);
      else if (type === 'TypedArray') typedMethod = method;
      else others.push(`if (prototype === ${type}.prototype) return ${method}(self${rest});`);
    }
    // By the prototype itself: what inherits from it, as Buffer, has methods of its own.
    if (typedMethod) body.push(`if (isView(self) && MapGet(typedArrayPrototypes, getPrototypeOf(self)) === true) return ${typedMethod}(self${rest});`);
    if (others.length > 0) body.push("if (typeof self === 'object' && self !== null) { const prototype = getPrototypeOf(self);", ...others, '}');
    return `function $$${id}(self${params === '' ? '' : `, ${params}`}) { ${body.join(' ')} return self.${name}(${rest.slice(2)}); }`;
  }
  // So that functions of the runtime find these names here, too.
  const names = `const { ${[...globals].join(', ')} } = globalThis;`;
  return `${names}\n${runtime}\n${lines.join('\n')}\nmodule.exports = { __proto__: null, ${exported.join(', ')} };\n`;
}
