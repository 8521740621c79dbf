// SPDX-License-Identifier: Apache-2.0
// https://w3c.github.io/hr-time/, https://w3c.github.io/performance-timeline/, https://w3c.github.io/user-timing/
test(() => {
  assert_interface('Performance', {
    attributes: ['timeOrigin'],
    methods: { now: 0, toJSON: 0, mark: 1, measure: 1, clearMarks: 0, clearMeasures: 0, getEntries: 0, getEntriesByType: 1, getEntriesByName: 1 },
  });
  assert_interface('PerformanceEntry', { attributes: ['name', 'entryType', 'startTime', 'duration'], methods: { toJSON: 0 } });
  assert_interface('PerformanceMark', { length: 1, attributes: ['detail'] });
  assert_interface('PerformanceMeasure', { attributes: ['detail'] });
  assert_interface('PerformanceObserver', { length: 1, methods: { observe: 0, disconnect: 0, takeRecords: 0 } });
  for (const Interface of [Performance, PerformanceEntry, PerformanceMeasure]) assert_throws_js(TypeError, () => new Interface());
}, 'the interfaces');

test(() => {
  const first = performance.now();
  assert_greater_than_equal(first, 0);
  assert_less_than(first, 60000);
  let last = first;
  for (let i = 0; i < 1000; ++i) {
    const now = performance.now();
    assert_greater_than_equal(now, last);
    last = now;
  }
  assert_greater_than(last, first);
  assert_approx_equals(performance.timeOrigin + performance.now(), Date.now(), 50);
}, 'time begins with the request');

test(() => {
  performance.mark('a', { startTime: 5 });
  performance.mark('b', { startTime: 3 });
  const measure = performance.measure('m', 'b', 'a');
  assert_array_equals([measure.startTime, measure.duration, measure.entryType, measure.detail], [3, 2, 'measure', null]);
  assert_array_equals(performance.getEntries().map(({ name }) => name), ['b', 'm', 'a']);
  assert_array_equals(performance.getEntriesByType('mark').map(({ name }) => name), ['b', 'a']);
  assert_equals(performance.getEntriesByName('m', 'measure')[0], measure);
  assert_equals(performance.measure('n', { start: 1, duration: 4 }).duration, 4);
  assert_equals(performance.measure('n', { end: 9, duration: 4 }).startTime, 5);
  assert_throws_dom('SyntaxError', () => performance.measure('m', 'none'));
  assert_throws_js(TypeError, () => performance.measure('m', { duration: 1 }));
  assert_throws_js(TypeError, () => performance.measure('m', { start: 1, end: 2, duration: 1 }));
  assert_throws_js(TypeError, () => performance.mark('m', { startTime: -1 }));
  performance.clearMarks('a');
  performance.clearMeasures();
  assert_array_equals(performance.getEntries().map(({ name }) => name), ['b']);
}, 'marks and measures');

test(() => {
  performance.clearMarks();
  const observer = new PerformanceObserver(() => {});
  observer.observe({ entryTypes: ['mark'] });
  performance.mark('seen');
  assert_array_equals(observer.takeRecords().map(({ name }) => name), ['seen']);
  observer.disconnect();
  performance.mark('unseen');
  assert_equals(observer.takeRecords().length, 0);
  assert_array_equals(PerformanceObserver.supportedEntryTypes, ['mark', 'measure']);
}, 'an observer');

test(() => {
  assert_throws_js(TypeError, () => Performance.prototype.toJSON.call({ timeOrigin: 1 }));
  assert_equals(performance.toJSON().timeOrigin, performance.timeOrigin);
}, 'toJSON is the interface\'s own');
