import static java.util.stream.Collectors.joining;

import java.util.Date;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.eclipse.leshan.client.resource.SimpleInstanceEnabler;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.WriteResponse;
import org.eclipse.leshan.core.util.datatype.ULong;

/**
 * An object instance that keeps what it is given: it has the resources that have a value and those that are executed, and tells what
 * a server does to it.
 */
public class LeshanInstance extends SimpleInstanceEnabler {
    /** For instances that a server creates. */
    public LeshanInstance() {
        initialValues = new HashMap<>();
    }

    /** @param values resource, value, resource, value ...; a map by resource instance for several */
    LeshanInstance(int id, Object... values) {
        super(id, values);
        if (initialValues == null) initialValues = new HashMap<>();
    }

    @Override
    public List<Integer> getAvailableResourceIds(ObjectModel model) {
        TreeSet<Integer> available = new TreeSet<>(resources.keySet());
        for (ResourceModel resource : model.resources.values()) {
            if (resource.operations.isExecutable() && executes(resource.id)) available.add(resource.id);
        }
        return List.copyOf(available);
    }

    /** Whether the instance has this one of the object's executable resources. */
    protected boolean executes(int resource) {
        return true;
    }

    @Override
    public WriteResponse write(LwM2mServer server, boolean replace, int resource, LwM2mResource value) {
        ResourceModel written = getModel().resources.get(resource);
        if (written != null && written.multiple && !resources.containsKey(resource)) {
            resources.put(resource, LwM2mMultipleResource.newResource(resource, Map.of(), written.type));
        }
        WriteResponse response = super.write(server, replace, resource, value);
        tellWritten(resource, value, response);
        return response;
    }

    protected void tellWritten(int resource, LwM2mResource value, WriteResponse response) {
        String text = value.isMultiInstances()
                ? value.getInstances().values().stream().map(each -> each.getId() + "=" + text(each.getValue())).collect(joining(","))
                : text(value.getValue());
        LeshanTeller.tell("written " + getResourcePath(resource) + " " + text + " " + response.getCode());
    }

    private static String text(Object value) {
        if (!(value instanceof byte[])) return String.valueOf(value);
        byte[] bytes = (byte[]) value;
        return bytes.length > 64 ? bytes.length + " bytes" : HexFormat.of().formatHex(bytes);
    }

    @Override
    public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
        if (!executes(resource)) return ExecuteResponse.notFound();
        LeshanTeller.tell("executed " + getResourcePath(resource) + (arguments.isEmpty() ? "" : " " + arguments.serialize()));
        return ExecuteResponse.success();
    }

    /** What a server leaves out when it replaces the instance goes; what it cannot write stays. */
    @Override
    public void reset(int resource) {
        if (getModel().resources.get(resource).operations.isWritable()) super.reset(resource);
    }

    Object value(int resource) {
        LwM2mResource held = resources.get(resource);
        return held == null ? null : held.getValue();
    }

    /** Changes of the device's own, in one event. @param values resource, value, resource, value ... */
    void set(Object... values) {
        LwM2mPath[] paths = new LwM2mPath[values.length / 2];
        for (int i = 0; i < paths.length; i++) {
            int resource = (Integer) values[2 * i];
            put(resource, values[2 * i + 1]);
            paths[i] = getResourcePath(resource);
        }
        fireResourcesChange(paths);
    }

    void put(int resource, Object value) {
        resources.put(resource, LwM2mSingleResource.newResource(resource, value, getModel().resources.get(resource).type));
    }

    /**
     * Another value as text of a resource or, where there are several, of one of its instances.
     *
     * @param isTold whether observers hear of it at once, or see it when their period has passed
     */
    void setText(LwM2mPath path, String text, boolean isTold) {
        int resource = path.getResourceId();
        ResourceModel changed = getModel().resources.get(resource);
        Object value = parse(text, changed.type);
        if (!changed.multiple) {
            put(resource, value);
            if (isTold) fireResourceChange(resource);
            return;
        }
        Map<Integer, Object> values = new HashMap<>();
        LwM2mResource held = resources.get(resource);
        if (held != null) for (LwM2mResourceInstance each : held.getInstances().values()) values.put(each.getId(), each.getValue());
        values.put(path.getResourceInstanceId(), value);
        resources.put(resource, LwM2mMultipleResource.newResource(resource, values, changed.type));
        if (isTold) fireResourcesChange(getResourceInstancePath(resource, path.getResourceInstanceId()), getResourcePath(resource));
    }

    private static Object parse(String text, Type type) {
        switch (type) {
            case INTEGER:
                return Long.valueOf(text);
            case UNSIGNED_INTEGER:
                return ULong.valueOf(text);
            case FLOAT:
                return Double.valueOf(text);
            case BOOLEAN:
                return Boolean.valueOf(text);
            case TIME:
                return new Date(Long.parseLong(text) * 1000);
            case OPAQUE:
                return HexFormat.of().parseHex(text);
            case OBJLNK:
                return ObjectLink.decodeFromString(text);
            default:
                return text;
        }
    }
}
