package ledger

import (
	"crypto/sha256"
	"encoding/hex"
)

const extension = ".json"

// fileName is that of a task's file, whatever is in its id.
func fileName(taskID string) string {
	sum := sha256.Sum256([]byte(taskID))
	return hex.EncodeToString(sum[:16]) + extension
}
