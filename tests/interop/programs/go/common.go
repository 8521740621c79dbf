// SPDX-License-Identifier: Apache-2.0
// Go's codecs, each with a file of its own beside this one. usage: PROGRAM SOCKET
package main

import (
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"
)

// A codec's own file has these: one message as bytes, and a function that reads one after the other.
type library interface {
	encode(message interface{}) ([]byte, error)
	decoder(from io.Reader) func() (interface{}, error)
}

type refused struct{ value interface{} }

func (refused) Error() string { return "refused" }

// The map's member, whatever type of map the codec makes.
func get(value interface{}, key string) interface{} {
	switch members := value.(type) {
	case map[string]interface{}:
		return members[key]
	case map[interface{}]interface{}:
		return members[key]
	}
	return nil
}

type answer func(arguments []interface{}) (problem, result interface{})

// A result, and the console lines that came before; an error map as `refused`. One connection for each.
func call(codec library, function string, arguments []interface{}, options interface{}, host answer) (result interface{}, console [][]interface{}, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("panic: %v", thrown)
		}
	}()
	connection, err := net.Dial("unix", os.Args[1])
	if err != nil {
		return nil, nil, err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	send := func(message interface{}) error {
		data, err := codec.encode(message)
		if err == nil {
			_, err = connection.Write(data)
		}
		return err
	}
	if err := send([]interface{}{0, 1, "call", []interface{}{"interop", function, arguments, options}}); err != nil {
		return nil, nil, err
	}
	for next := codec.decoder(connection); ; {
		read, err := next()
		if err != nil {
			return nil, nil, err
		}
		message := read.([]interface{})
		switch fmt.Sprint(message[0]) {
		case "0":
			problem, result := host(message[3].([]interface{})[2].([]interface{}))
			if err := send([]interface{}{1, message[1], problem, result}); err != nil {
				return nil, nil, err
			}
		case "2":
			console = append(console, message[2].([]interface{})[1:])
		default:
			if message[2] != nil {
				return nil, nil, refused{message[2]}
			}
			return message[3], console, nil
		}
	}
}

func say(name string, attempt func() (interface{}, error)) {
	outcome, err := attempt()
	if error, is := err.(refused); is {
		parts := []string{}
		for _, key := range []string{"code", "name", "message"} {
			if part := get(error.value, key); part != nil {
				parts = append(parts, fmt.Sprint(part))
			}
		}
		outcome = strings.Join(parts, " ")
	} else if err != nil {
		outcome = err
	}
	fmt.Printf("%s\t%s\n", name, strings.ReplaceAll(fmt.Sprint(outcome), "\n", " "))
}

// With the types, and maps in order.
func show(value interface{}) string {
	switch typed := value.(type) {
	case nil:
		return "nil"
	case time.Time:
		return typed.UTC().Format(time.RFC3339Nano)
	case []byte:
		return fmt.Sprintf("bytes % x", typed)
	case []interface{}:
		parts := []string{}
		for _, each := range typed {
			parts = append(parts, show(each))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if reflected := reflect.ValueOf(value); reflected.Kind() == reflect.Map {
		parts := []string{}
		for _, key := range reflected.MapKeys() {
			parts = append(parts, show(key.Interface())+": "+show(reflected.MapIndex(key).Interface()))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprintf("%T %v", value, value)
}

func deep() interface{} {
	value := []interface{}{}
	for i := 1; i < 250; i++ {
		value = []interface{}{value}
	}
	return value
}

type texts = map[string]interface{}
type any = interface{}

var order = strings.Fields("nil booleans integers largest_safe beyond_safe largest_uint64 smallest_int64 float whole_float minus_zero infinity nan " +
	"text long_text digits bytes date date_before_1970 date_in_3000 array empty_array map empty_map map_by_numbers map_by_arrays map_with_nil " +
	"map_with_proto deep")
var values = texts{
	"nil": nil, "booleans": []any{true, false}, "integers": []any{int64(0), int64(7), int64(-7), int64(300), int64(-70000), int64(1 << 40)},
	"largest_safe": int64(1<<53 - 1), "beyond_safe": int64(1<<53 + 1), "largest_uint64": uint64(math.MaxUint64),
	"smallest_int64": int64(math.MinInt64), "float": 1.5, "whole_float": 1e18, "minus_zero": math.Copysign(0, -1),
	"infinity": math.Inf(1), "nan": math.NaN(), "text": "grüße 😀", "long_text": "\ufeff" + strings.Repeat("long ", 60), "digits": "42",
	"bytes": []byte{0, 0xff, 0x80}, "date": time.Date(2024, 1, 31, 10, 20, 30, 250e6, time.UTC),
	"date_before_1970": time.Date(1969, 7, 20, 20, 17, 40, 500e6, time.UTC), "date_in_3000": time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC),
	"array": []any{int64(1), []any{"a", nil}}, "empty_array": []any{}, "map": texts{"name": "Ada", "tags": texts{"admin": true}},
	"empty_map": texts{}, "map_by_numbers": map[any]any{int64(1): "one", int64(-2): "minus two"},
	"map_by_arrays": map[any]any{[2]int64{1, 2}: "a pair"}, "map_with_nil": map[any]any{nil: "Session", "name": "Ada"},
	"map_with_proto": texts{"__proto__": texts{"admin": true}, "name": "Ada"}, "deep": deep(),
}

// What a codec wants instead of these.
var sent = texts{}

// What is made of bytes with an option that should not be set.
func sayBytes(name string, codec library) {
	say(name, func() (any, error) {
		given, _, err := call(codec, "give", []any{"bytes"}, nil, nil)
		return fmt.Sprintf("%T of %d", given, len(fmt.Sprint(given))), err
	})
}

func try(codec library) {
	ask := func(function string, arguments []any, options any, host answer) func() (any, error) {
		return func() (any, error) {
			result, _, err := call(codec, function, arguments, options, host)
			return result, err
		}
	}
	for _, name := range order {
		value := values[name]
		if _, differs := sent[name]; !differs {
			sent[name] = value
		}
		say("to."+name, ask("take", []any{sent[name]}, nil, nil))
		say("from."+name, func() (any, error) {
			given, _, err := call(codec, "give", []any{name}, nil, nil)
			if err == nil && show(given) == show(value) {
				return "same", nil
			}
			return show(given), err
		})
	}
	say("error", ask("fail", []any{}, nil, nil))
	say("deadline", ask("spin", []any{}, texts{"deadline_ms": 100}, nil))
	say("true_option", func() (any, error) {
		_, console, err := call(codec, "log", []any{}, texts{"console": true}, nil)
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(console[0][0], " ", console[0][1]), nil
	})
	say("no_options", ask("log", []any{}, texts{}, nil))
	say("host_call", ask("ask", []any{}, nil, func(numbers []any) (any, any) {
		sum := 0.0
		for _, each := range numbers {
			sum += reflect.ValueOf(each).Convert(reflect.TypeOf(sum)).Float()
		}
		return nil, sum
	}))
	say("host_error", ask("ask_in_vain", []any{}, nil, func([]any) (any, any) { return "not allowed", nil }))
}
