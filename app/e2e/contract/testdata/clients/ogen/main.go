// Program ogen uses the client that ogen makes of the service's OpenAPI document: it keeps a note, makes flashcards of it
// and finds both again. ogen's client checks every answer against its schema.
package main

import (
	"context"
	"fmt"
	"os"

	"clients/ogen/client"

	"github.com/ogen-go/ogen/ogenerrors"
)

// user is whose the note and the flashcards are; every generator has one of its own.
const user = "ogen"

const text = "Photosynthesis turns light into chemical energy. Chlorophyll absorbs red and blue light. " +
	"The Calvin cycle fixes carbon dioxide in the stroma. Stomata let carbon dioxide into the leaf."

func main() {
	if err := study(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func study(ctx context.Context, url string) error {
	api, err := client.NewClient(url, anonymous{})
	if err != nil {
		return err
	}
	kept, err := api.CreateNote(ctx, &client.NewNote{UserID: client.NewOptNilString(user), Title: client.NewOptNilString("Light"), Content: text}, client.CreateNoteParams{})
	note, ok := kept.(*client.NoteHeaders)
	if err != nil || !ok {
		return fmt.Errorf("the note: %w, %+v", err, kept)
	}
	made, err := api.Process(ctx, &client.AgentRequest{
		Type: client.TypeFlashcardGeneration, UserID: client.NewOptNilString(user), Message: "Make flashcards",
		ExplicitNoteIds: client.NewOptNilStringArray([]string{note.Response.ID.String()}),
		Options:         client.NewOptNilOptions(client.Options{Count: client.NewOptNilInt(3)}),
	}, client.ProcessParams{})
	answer, ok := made.(*client.AnsweredHeaders)
	if err != nil || !ok || len(answer.Response.Result.Data.FlashcardSet.Flashcards) == 0 {
		return fmt.Errorf("the flashcards: %w, %+v", err, made)
	}
	return list(ctx, api, note.Response.ID.String(), len(answer.Response.Result.Data.FlashcardSet.Flashcards))
}

// list finds the note and its one deck, and gets a typed error for what is not valid.
func list(ctx context.Context, api *client.Client, note string, cards int) error {
	found, err := api.Notes(ctx, client.NotesParams{UserID: client.NewOptString(user)})
	notes, ok := found.(*client.NotesOKHeaders)
	if err != nil || !ok || len(notes.Response.Notes) != 1 || notes.Response.Notes[0].ID.String() != note {
		return fmt.Errorf("the list of notes: %w, %+v", err, found)
	}
	kept, err := api.Contents(ctx, client.ContentsParams{Kind: client.KindFlashcards, UserID: client.NewOptString(user)})
	decks, ok := kept.(*client.ContentsOKHeaders)
	if err != nil || !ok || decks.Response.Count != 1 {
		return fmt.Errorf("the list of decks: %w, %+v", err, kept)
	}
	refused, err := api.Notes(ctx, client.NotesParams{UserID: client.NewOptString(user), Before: client.NewOptString("nowhere")})
	problem, ok := refused.(*client.InvalidHeaders)
	if err != nil || !ok {
		return fmt.Errorf("an invalid cursor: %w, %+v", err, refused)
	}
	fmt.Printf("1 note, 1 deck, %d cards; refused: %s\n", cards, problem.Response.Code)
	return nil
}

// anonymous has no credentials: the service that is tested asks students for none.
type anonymous struct{ client.SecuritySource }

func (anonymous) User(context.Context, client.OperationName) (client.User, error) {
	return client.User{}, ogenerrors.ErrSkipClientSecurity
}

func (anonymous) Cookie(context.Context, client.OperationName) (client.Cookie, error) {
	return client.Cookie{}, ogenerrors.ErrSkipClientSecurity
}
