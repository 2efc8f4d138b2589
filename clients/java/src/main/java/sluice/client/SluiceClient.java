package sluice.client;

import io.grpc.ManagedChannel;
import io.grpc.stub.AbstractStub;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import sluice.v1.ClassifyOptions;
import sluice.v1.ClassifyRequest;
import sluice.v1.ClassifyResponse;
import sluice.v1.DetectOptions;
import sluice.v1.DetectRequest;
import sluice.v1.DetectResponse;
import sluice.v1.EmbedOptions;
import sluice.v1.EmbedRequest;
import sluice.v1.EmbedResponse;
import sluice.v1.InferenceGrpc;
import sluice.v1.InferenceGrpc.InferenceStub;
import sluice.v1.ListModelsRequest;
import sluice.v1.LoadModelRequest;
import sluice.v1.ModelVersion;
import sluice.v1.RepositoryGrpc;
import sluice.v1.RepositoryGrpc.RepositoryBlockingStub;
import sluice.v1.SegmentOptions;
import sluice.v1.SegmentRequest;
import sluice.v1.SegmentResponse;
import sluice.v1.UnloadModelRequest;

/**
 * A client of one Sluice server, for any number of streams at once and from any thread. Frames, options and answers are the
 * messages of the protocol, whose comments are the reference.
 *
 * <p>A stream takes its frames from an Iterable and is read like one; see {@link Answers}. {@link #inference} is for who must
 * not block.
 *
 * <p>A call that fails with UNAVAILABLE before its first answer is tried again, three times at most.
 */
public final class SluiceClient implements AutoCloseable {
    private final ManagedChannel channel;
    private final Duration deadline;

    private SluiceClient(ManagedChannel channel, Duration deadline) {
        this.channel = channel;
        this.deadline = deadline;
    }

    /** Connects to `host:port`. Throws IOException when no server answers within five seconds. */
    public static SluiceClient connect(String address) throws IOException {
        return connect(address, ConnectOptions.defaults());
    }

    /** Throws IOException when no server answers in time, or a certificate cannot be read. */
    public static SluiceClient connect(String address, ConnectOptions options) throws IOException {
        return new SluiceClient(Connection.open(address, options), null);
    }

    /** This client, whose calls fail with DEADLINE_EXCEEDED when they take longer. Shares the connection. */
    public SluiceClient within(Duration time) {
        return new SluiceClient(channel, time);
    }

    /**
     * Finds objects in each frame. Requests carry no options; their regions are for models that look at one object at a
     * time (poses).
     */
    public Answers<DetectResponse> detect(Iterable<DetectRequest> frames, DetectOptions options) {
        DetectRequest opening = DetectRequest.newBuilder().setOptions(options).build();
        return Answers.open(inference()::detect, opening, frames.iterator(), new FlightLimit(options.getStream()));
    }

    /** Turns each frame, or its regions, into feature vectors. */
    public Answers<EmbedResponse> embed(Iterable<EmbedRequest> frames, EmbedOptions options) {
        EmbedRequest opening = EmbedRequest.newBuilder().setOptions(options).build();
        return Answers.open(inference()::embed, opening, frames.iterator(), new FlightLimit(options.getStream()));
    }

    /** Tells what each frame, or each of its regions, shows. */
    public Answers<ClassifyResponse> classify(Iterable<ClassifyRequest> frames, ClassifyOptions options) {
        ClassifyRequest opening = ClassifyRequest.newBuilder().setOptions(options).build();
        return Answers.open(inference()::classify, opening, frames.iterator(), new FlightLimit(options.getStream()));
    }

    /** Tells the class of every pixel of each frame. */
    public Answers<SegmentResponse> segment(Iterable<SegmentRequest> frames, SegmentOptions options) {
        SegmentRequest opening = SegmentRequest.newBuilder().setOptions(options).build();
        return Answers.open(inference()::segment, opening, frames.iterator(), new FlightLimit(options.getStream()));
    }

    /**
     * The four calls for who must not block: gRPC's own stub, with this client's connection, token, deadline and retries. The
     * first request of a stream carries the options; `isReady` and the on-ready handler hold the sender back.
     */
    public InferenceStub inference() {
        return timed(InferenceGrpc.newStub(channel));
    }

    /** Every version that the server knows, by model name, then version. */
    public List<ModelVersion> listModels() {
        return repository().listModels(ListModelsRequest.getDefaultInstance()).getModelsList();
    }

    /** Loads a model, or brings it up to date; returns when it is READY. Needs --model-control-mode explicit. */
    public void loadModel(String name) {
        repository().loadModel(LoadModelRequest.newBuilder().setName(name).build());
    }

    /** Unloads a model; returns when its memory is free. Needs --model-control-mode explicit. */
    public void unloadModel(String name) {
        repository().unloadModel(UnloadModelRequest.newBuilder().setName(name).build());
    }

    /** Closes the connection; open streams fail. */
    @Override
    public void close() {
        channel.shutdownNow();
    }

    private RepositoryBlockingStub repository() {
        return timed(RepositoryGrpc.newBlockingStub(channel));
    }

    private <Stub extends AbstractStub<Stub>> Stub timed(Stub stub) {
        return deadline == null ? stub : stub.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
    }
}
