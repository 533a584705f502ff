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

// memoryPages limits the memory of PDFium, in pages of 64 KiB: 32 MiB. Most bombs fail at this limit.
const memoryPages = 512

// Engine is PDFium, compiled from WebAssembly to machine code: the WebAssembly sandbox gives it no access to files or
// to other memory. Compiling it needs 400 MB and a few seconds; therefore it is compiled once and stored in a folder.
type Engine struct {
	pool     pdfium.Pool
	instance pdfium.Pdfium
}

// OpenEngine loads PDFium from the folder in which an earlier call stored it, or compiles it and stores it there. The
// folder may be read-only if it contains PDFium compiled for this program and this processor with its features.
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
