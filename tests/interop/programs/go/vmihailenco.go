// SPDX-License-Identifier: Apache-2.0
package main

import (
	"io"

	"github.com/vmihailenco/msgpack/v5"
)

type vmihailenco struct{ loose bool }

func (vmihailenco) encode(message interface{}) ([]byte, error) { return msgpack.Marshal(message) }

func (v vmihailenco) decoder(from io.Reader) func() (interface{}, error) {
	decoder := msgpack.NewDecoder(from)
	decoder.UseLooseInterfaceDecoding(v.loose)
	decoder.SetMapDecoder(func(d *msgpack.Decoder) (interface{}, error) { return d.DecodeUntypedMap() })
	if v.loose {
		return decoder.DecodeInterfaceLoose
	}
	return decoder.DecodeInterface
}

func main() {
	try(vmihailenco{})
	sayBytes("from.bytes_when_loose", vmihailenco{loose: true})
}
