// Program oapi uses the client that oapi-codegen makes of the service's OpenAPI document: it keeps a note, makes
// flashcards of it and finds both again.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"clients/oapi/client"
)

// user is whose the note and the flashcards are; every generator has one of its own.
const user = "oapi"

const text = "Photosynthesis turns light into chemical energy. Chlorophyll absorbs red and blue light. " +
	"The Calvin cycle fixes carbon dioxide in the stroma. Stomata let carbon dioxide into the leaf."

func main() {
	if err := study(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func study(ctx context.Context, url string) error {
	api, err := client.NewClientWithResponses(url)
	if err != nil {
		return err
	}
	note, err := api.CreateNoteWithResponse(ctx, &client.CreateNoteParams{}, client.NewNote{UserId: new(user), Title: new("Light"), Content: text})
	if err != nil || note.JSON201 == nil {
		return fmt.Errorf("the note: %w, %s", err, note.Body)
	}
	answer, err := api.ProcessWithResponse(ctx, &client.ProcessParams{}, client.AgentRequest{
		Type: "flashcard_generation", UserId: new(user), Message: "Make flashcards", ExplicitNoteIds: &[]string{note.JSON201.Id.String()},
		Options: &client.Options{Count: new(3)},
	})
	if err != nil || answer.JSON200 == nil {
		return fmt.Errorf("the flashcards: %w, %s", err, answer.Body)
	}
	set, err := answer.JSON200.Result.Data.AsFlashcardSet()
	if err != nil || len(set.Flashcards) == 0 || set.Flashcards[0].Question == "" {
		return fmt.Errorf("no flashcards: %w, %s", err, answer.Body)
	}
	return list(ctx, api, note.JSON201.Id.String(), len(set.Flashcards))
}

// list finds the note and its one deck, and gets a typed error for what is not valid.
func list(ctx context.Context, api *client.ClientWithResponses, note string, cards int) error {
	notes, err := api.NotesWithResponse(ctx, &client.NotesParams{UserId: new(user)})
	if err != nil || notes.JSON200 == nil || len(notes.JSON200.Notes) != 1 || notes.JSON200.Notes[0].Id.String() != note {
		return fmt.Errorf("the list of notes: %w, %s", err, notes.Body)
	}
	decks, err := api.ContentsWithResponse(ctx, "flashcards", &client.ContentsParams{UserId: new(user)})
	if err != nil || decks.JSON200 == nil || decks.JSON200.Count != 1 {
		return fmt.Errorf("the list of decks: %w, %s", err, decks.Body)
	}
	refused, err := api.NotesWithResponse(ctx, &client.NotesParams{UserId: new(user), Limit: new(1000)})
	if err != nil || refused.StatusCode() != http.StatusUnprocessableEntity || refused.ApplicationproblemJSON422 == nil {
		return fmt.Errorf("a limit of 1000: %w, %d %s", err, refused.StatusCode(), refused.Body)
	}
	fmt.Printf("1 note, 1 deck, %d cards; refused: %s\n", cards, refused.ApplicationproblemJSON422.Code)
	return nil
}
