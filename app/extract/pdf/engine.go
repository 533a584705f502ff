package pdf

import (
	"context"
	"errors"
	"io"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// memoryPages bounds what PDFium itself takes, in pages of 64 KiB: 32 MiB. Most bombs end here.
const memoryPages = 512

// Engine is PDFium, compiled from WebAssembly to machine code: in the sandbox of WebAssembly it reaches no file and no
// memory but its own. To compile it takes 400 MB and some seconds, so that is done once and kept in a folder.
type Engine struct {
	pool     pdfium.Pool
	instance pdfium.Pdfium
}

// OpenEngine loads PDFium from the folder of a former OpenEngine, or compiles it and leaves it there. The folder may be
// read-only where it holds what is needed: what it is kept for is this program, this processor and its features.
func OpenEngine(cacheDir string) (*Engine, error) {
	if cacheDir == "" {
		return nil, errors.New("no folder for the compiled PDF reader")
	}
	cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
	if err != nil {
		return nil, err
	}
	pool, err := webassembly.Init(webassembly.Config{
		Context: context.Background(), MinIdle: 1, MaxIdle: 1, MaxTotal: 1,
		FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard,
		RuntimeConfig: wazero.NewRuntimeConfigCompiler().WithCompilationCache(cache).WithMemoryLimitPages(memoryPages).
			WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling),
	})
	if err != nil {
		return nil, err
	}
	instance, err := pool.GetInstance(0)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &Engine{pool, instance}, nil
}

// Close frees the engine.
func (e *Engine) Close() error { return errors.Join(e.instance.Close(), e.pool.Close()) }
