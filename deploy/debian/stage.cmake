# SPDX-License-Identifier: Apache-2.0
# Run by cpack when everything is installed in a folder, before that becomes the package: settings, units, and documents
# as Debian wants them.
set(stage ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(deploy ${CMAKE_CURRENT_LIST_DIR}/..)
set(doc ${stage}/usr/share/doc/outbox-relay)

function(run)
    execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(install -D -m 644 ${deploy}/systemd/relay.env ${stage}/etc/outbox-relay/relay.env)
file(REMOVE_RECURSE ${stage}/usr/lib)
file(GLOB units ${deploy}/systemd/*.service)
foreach(unit IN LISTS units)
    get_filename_component(name ${unit} NAME)
    run(install -D -m 644 ${unit} ${stage}/lib/systemd/system/${name})
endforeach()

file(REMOVE ${doc}/LICENSE)
run(install -D -m 644 ${deploy}/debian/copyright ${doc}/copyright)
run(install -D -m 644 ${deploy}/debian/lintian-overrides ${stage}/usr/share/lintian/overrides/outbox-relay)
run(install -D -m 644 ${deploy}/debian/changelog ${doc}/changelog.Debian)
run(gzip -9 -n -f ${doc}/changelog.Debian)
file(GLOB pages ${stage}/usr/share/man/man1/*.1)
if(pages)
    run(gzip -9 -n -f ${pages})
endif()
run(${deploy}/sbom.sh ${stage}/usr/bin/outbox-relay ${doc}/sbom.cdx.json)
