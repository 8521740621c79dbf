// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// MessagePack's own timestamp, as msgp writes times as an extension of its own.
type timestamp struct{ time.Time }

func (*timestamp) ExtensionType() int8 { return -1 }
func (*timestamp) Len() int            { return 12 }
func (t *timestamp) MarshalBinaryTo(data []byte) error {
	binary.BigEndian.PutUint32(data, uint32(t.Nanosecond()))
	binary.BigEndian.PutUint64(data[4:], uint64(t.Unix()))
	return nil
}
func (t *timestamp) UnmarshalBinary(data []byte) error {
	switch len(data) {
	case 4:
		t.Time = time.Unix(int64(binary.BigEndian.Uint32(data)), 0)
	case 8:
		both := binary.BigEndian.Uint64(data)
		t.Time = time.Unix(int64(both&(1<<34-1)), int64(both>>34))
	case 12:
		t.Time = time.Unix(int64(binary.BigEndian.Uint64(data[4:])), int64(binary.BigEndian.Uint32(data)))
	}
	return nil
}

type tinylib struct{}

func (tinylib) encode(message interface{}) ([]byte, error) {
	var buffer bytes.Buffer
	writer := msgp.NewWriter(&buffer)
	if err := writer.WriteIntf(message); err != nil {
		return nil, err
	}
	err := writer.Flush()
	return buffer.Bytes(), err
}

func (tinylib) decoder(from io.Reader) func() (interface{}, error) {
	reader := msgp.NewReader(from)
	return func() (interface{}, error) {
		message, err := reader.ReadIntf()
		if list, is := message.([]interface{}); is && len(list) == 4 {
			if at, is := list[3].(*timestamp); is {
				list[3] = at.Time
			}
		}
		return message, err
	}
}

func main() {
	msgp.RegisterExtension(-1, func() msgp.Extension { return new(timestamp) })
	for name, value := range values {
		if at, is := value.(time.Time); is {
			sent[name] = &timestamp{at}
		}
	}
	try(tinylib{})
}
