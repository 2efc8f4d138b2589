package sluiceclient

import (
	"context"

	sluicev1 "sluice/gen/sluice/v1"
)

// ListModels tells every version that the server knows, by model name, then version.
func (client *Client) ListModels(ctx context.Context) ([]*sluicev1.ModelVersion, error) {
	response, err := sluicev1.NewRepositoryClient(client.connection).ListModels(ctx, &sluicev1.ListModelsRequest{})
	return response.GetModels(), err
}

// LoadModel loads a model, or brings it up to date; it returns when the model is READY. Needs --model-control-mode
// explicit.
func (client *Client) LoadModel(ctx context.Context, name string) error {
	_, err := sluicev1.NewRepositoryClient(client.connection).LoadModel(ctx, &sluicev1.LoadModelRequest{Name: name})
	return err
}

// UnloadModel unloads a model; it returns when the model's memory is free. Needs --model-control-mode explicit.
func (client *Client) UnloadModel(ctx context.Context, name string) error {
	_, err := sluicev1.NewRepositoryClient(client.connection).UnloadModel(ctx, &sluicev1.UnloadModelRequest{Name: name})
	return err
}
