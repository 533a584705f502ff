package store_test

import (
	"testing"

	"studysharper/app/store"
	"studysharper/app/store/postgrestest"
	"studysharper/app/store/storetest"
)

func TestPostgreSQLKeepsTheContract(t *testing.T) {
	server := postgrestest.Start(t)
	migrated := server.Database(t)
	if err := store.Migrate(t.Context(), migrated); err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, server.Copy(t, migrated), store.Options{BusyTimeout: patient})
	})
}

func TestPostgreSQLKeepsQuotas(t *testing.T) {
	url := postgrestest.Start(t).Database(t)
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	storetest.RunQuota(t, open(t, url, store.Options{BusyTimeout: patient, QuotaItems: 4, QuotaBytes: 100}))
}
