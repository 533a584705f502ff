package repo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"studysharper/app/testkit"
)

func TestNoTestSleepsInRealTime(t *testing.T) {
	for _, folder := range testFolders(t) {
		if sleeps := realSleeps(t, folder); len(sleeps) > 0 {
			t.Errorf("tests sleep outside of a synctest bubble; wait with testkit.Eventually, or let time pass with testkit.Pause:\n%s", strings.Join(sleeps, "\n"))
		}
	}
}

// testFolders returns the folders that contain Go tests.
func testFolders(t *testing.T) (folders []string) {
	t.Helper()
	for _, tree := range []string{"app", "loadtest", "integration"} {
		err := filepath.WalkDir(filepath.Join(testkit.Root(), tree), func(path string, entry os.DirEntry, err error) error {
			if err == nil && (strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test")) && !slices.Contains(folders, filepath.Dir(path)) {
				folders = append(folders, filepath.Dir(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return folders
}

// realSleeps finds the calls of time.Sleep in a folder's tests that are neither inside a synctest.Test call nor in a
// function that is only called from one.
func realSleeps(t *testing.T, folder string) (sleeps []string) {
	t.Helper()
	files := token.NewFileSet()
	uses := map[string][]string{} // function → the functions that use it; "" = a bubble
	found := map[string][]string{}
	pattern := "*_test.go"
	if strings.HasSuffix(folder, "test") { // redistest, storetest …
		pattern = "*.go"
	}
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	wrappers := map[string]bool{} // functions that run their argument in a bubble
	for _, path := range paths {
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
		for _, declared := range file.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok && wraps(function) {
				wrappers[function.Name.Name] = true
			}
		}
	}
	for _, file := range parsed {
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok || function.Body == nil {
				continue
			}
			inside, inBubble := function.Name.Name, waits(function)
			eachName(function.Body, wrappers, func(name string, at token.Pos, bubble bool) {
				from := inside
				if bubble = bubble || inBubble; bubble {
					from = ""
				}
				if name == "time.Sleep" && !bubble {
					found[inside] = append(found[inside], files.Position(at).String())
				}
				uses[name] = append(uses[name], from)
			})
		}
	}
	for function, places := range found {
		if !onlyInBubbles(function, uses, map[string]bool{}) {
			sleeps = append(sleeps, places...)
		}
	}
	slices.Sort(sleeps)
	return sleeps
}

// wraps reports whether a helper calls synctest.Test.
func wraps(function *ast.FuncDecl) (does bool) {
	if function.Body == nil || strings.HasPrefix(function.Name.Name, "Test") {
		return false
	}
	eachName(function.Body, nil, func(_ string, _ token.Pos, bubble bool) { does = does || bubble })
	return does
}

// waits reports whether a function calls synctest.Wait, which is only allowed in a bubble.
func waits(function *ast.FuncDecl) (does bool) {
	ast.Inspect(function.Body, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		does = does || ok && isPackage(selector.X, "synctest") && selector.Sel.Name == "Wait"
		return true
	})
	return does
}

// eachName visits the names that a function uses: "package.Name" for functions of packages, and the plain name for
// methods. It reports whether each is in an argument of synctest.Test or of a wrapper.
func eachName(body ast.Node, wrappers map[string]bool, visit func(name string, at token.Pos, bubble bool)) {
	var walk func(n ast.Node, bubble bool)
	walk = func(n ast.Node, bubble bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if !bubble && startsBubble(n, wrappers) {
					for _, argument := range n.Args {
						walk(argument, true)
					}
					return false
				}
			case *ast.SelectorExpr:
				if isPackage(n.X, "time") {
					visit("time."+n.Sel.Name, n.Pos(), bubble)
				} else {
					visit(n.Sel.Name, n.Pos(), bubble)
				}
				walk(n.X, bubble)
				return false
			case *ast.Ident:
				visit(n.Name, n.Pos(), bubble)
			}
			return true
		})
	}
	walk(body, false)
}

func startsBubble(call *ast.CallExpr, wrappers map[string]bool) bool {
	switch function := call.Fun.(type) {
	case *ast.SelectorExpr:
		return isPackage(function.X, "synctest")
	case *ast.Ident:
		return wrappers[function.Name]
	}
	return false
}

func isPackage(x ast.Expr, name string) bool {
	identifier, ok := x.(*ast.Ident)
	return ok && identifier.Name == name
}

// onlyInBubbles reports whether a function is used, and only in bubbles and by functions of which the same is true.
func onlyInBubbles(function string, uses map[string][]string, asked map[string]bool) bool {
	if asked[function] {
		return true
	}
	asked[function] = true
	return len(uses[function]) > 0 && !slices.ContainsFunc(uses[function], func(user string) bool {
		return user != "" && !onlyInBubbles(user, uses, asked)
	})
}
