// SPDX-License-Identifier: Apache-2.0
package main

import (
	"io"

	"github.com/ugorji/go/codec"
)

type ugorji struct{ handle *codec.MsgpackHandle }

func (u ugorji) encode(message interface{}) (data []byte, err error) {
	err = codec.NewEncoderBytes(&data, u.handle).Encode(message)
	return data, err
}

func (u ugorji) decoder(from io.Reader) func() (interface{}, error) {
	decoder := codec.NewDecoder(from, u.handle)
	return func() (message interface{}, err error) {
		err = decoder.Decode(&message)
		return message, err
	}
}

func main() {
	handle := &codec.MsgpackHandle{}
	handle.WriteExt = true
	try(ugorji{handle})
	handle.RawToString = true
	sayBytes("from.bytes_with_raw_to_string", ugorji{handle})
}
