package doctor

import (
	"context"
	"os"

	"studysharper/app/config"
	"studysharper/app/extract/child"
	"studysharper/app/study"
)

// onePage is a PDF that contains one word.
const onePage = `%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<</Font<</F 4 0 R>>>>/Contents 5 0 R>> endobj
4 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
5 0 obj <</Length 34>> stream
BT /F 12 Tf 9 50 Td (Works) Tj ET 
endstream endobj
trailer <</Root 1 0 R>>
`

// pdfLine reads a PDF as a worker would.
func pdfLine(ctx context.Context, reader child.PDFReader, memory int64) finding {
	const subject = "pdf"
	file, err := os.CreateTemp("", "doctor")
	if err == nil {
		_, err = file.WriteString(onePage)
	}
	if err != nil {
		return found(lacking, subject, "not tried: %s", oneLine(err.Error()))
	}
	defer func() { _, _ = file.Close(), os.Remove(file.Name()) }()
	if _, err := child.Run(ctx, file, child.Order{Memory: memory, PDF: reader}); err != nil {
		return found(lacking, subject, "%s", oneLine(study.AsError(err).Message))
	}
	return found(fine, subject, "PDF files can be imported")
}

func pdfCheck(ctx context.Context, limit int64, c config.Config) finding {
	b, err := config.Split(limit, c)
	if err != nil {
		return found(lacking, "pdf", "not tried, because the settings do not fit into the memory")
	}
	return pdfLine(ctx, child.FindPDFReader(), b.Import)
}
