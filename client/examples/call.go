// SPDX-License-Identifier: Apache-2.0
// lethe script put hello client/examples/hello.js; go run call.go Ada 2. Needs vmihailenco/msgpack v5 (../LIBRARIES.md).
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"
)

// A reply: an array of these, one after the other.
type reply struct {
	_msgpack struct{} `msgpack:",as_array"`
	Type, ID int
	Error    map[string]interface{}
	Result   interface{}
}

func main() {
	path, found := os.LookupEnv("LETHE_SOCKET")
	if !found {
		path = "/run/lethe/lethe.sock"
	}
	socket, err := net.Dial("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	times, _ := strconv.Atoi(os.Args[2])
	arguments := []interface{}{os.Args[1], times}
	options := map[string]interface{}{"deadline_ms": 100}
	err = msgpack.NewEncoder(socket).Encode([]interface{}{0, 1, "call", []interface{}{"hello", "greet", arguments, options}})
	var answer reply
	if err == nil {
		err = msgpack.NewDecoder(socket).Decode(&answer)
	}
	if err != nil {
		log.Fatal(err)
	}
	if failed := answer.Error; failed != nil {
		place := ""
		if line, known := failed["line"]; known {
			place = fmt.Sprintf(" (%v:%v)", failed["script"], line)
		}
		fmt.Fprintf(os.Stderr, "%v: %v%s\n", failed["code"], failed["message"], place)
		os.Exit(1)
	}
	fmt.Println(answer.Result)
}
