package frame

import (
	"bytes"
	"encoding/json"
	"slices"

	"google.golang.org/protobuf/reflect/protoregistry"
)

// withoutUnknownAnnotations drops, from each array under a key "annotations", the
// messages whose type is not linked here. An array without any message stays as it is.
func withoutUnknownAnnotations(payload []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber() // 64-bit numbers stay exact.
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return json.Marshal(dropUnknown(value))
}

func dropUnknown(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, below := range value {
			if list, ok := below.([]any); ok && key == "annotations" {
				below = slices.DeleteFunc(list, isUnknown)
			}
			value[key] = dropUnknown(below)
		}
	case []any:
		for i, item := range value {
			value[i] = dropUnknown(item)
		}
	}
	return value
}

// isUnknown reports whether a value is a message of a type that is not linked here.
func isUnknown(value any) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return false
	}
	url, ok := object["@type"].(string)
	if !ok {
		return false
	}
	_, err := protoregistry.GlobalTypes.FindMessageByURL(url)
	return err != nil
}
